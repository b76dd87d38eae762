{{- define "caprock.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "caprock.agent.name" -}}
{{ include "caprock.fullname" . }}-agent
{{- end -}}

{{- /* Of what is the cluster's and not a namespace's. */ -}}
{{- define "caprock.cluster.name" -}}
{{ printf "%s-%s" .Release.Namespace (include "caprock.agent.name" .) }}
{{- end -}}

{{- define "caprock.serviceaccount.name" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "caprock.agent.name" .) "default" -}}
{{ default $own .Values.serviceAccount.name }}
{{- end -}}

{{- define "caprock.selector.labels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "caprock.labels" -}}
{{ include "caprock.selector.labels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "caprock.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}
