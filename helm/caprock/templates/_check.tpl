{{- /* Refuses values that contradict each other; each alone is values.schema.json's. */ -}}
{{- define "caprock.check" -}}
{{- $tap := .Values.tap -}}
{{- $agent := .Values.agent -}}
{{- $capture := $tap.capture -}}
{{- $dissection := default dict $capture.dissection -}}

{{- if and (hasKey $capture "stopped") (hasKey $dissection "enabled") -}}
{{- if eq $capture.stopped $dissection.enabled -}}
{{- fail "tap.capture.stopped contradicts tap.capture.dissection.enabled: keep one of them" -}}
{{- end -}}
{{- end -}}
{{- if and (hasKey $capture "stopAfter") (hasKey $dissection "stopAfter") -}}
{{- if ne (toString $capture.stopAfter) (toString $dissection.stopAfter) -}}
{{- fail "tap.capture.stopAfter contradicts tap.capture.dissection.stopAfter: keep one of them" -}}
{{- end -}}
{{- end -}}

{{- /* Go's syntax is RE2's; what is wrong is Helm's to say. */ -}}
{{- $_ := mustRegexMatch $tap.regex "" -}}

{{- $kubernetes := default dict $agent.kubernetes -}}
{{- $names_pods := or $tap.namespaces $tap.excludedNamespaces $tap.labelSelector (not (has $tap.regex (list "" ".*"))) -}}
{{- if and $names_pods (eq (toString $kubernetes.enabled) "false") -}}
{{- fail "tap names pods, but agent.kubernetes.enabled is false: everything would be recorded; leave one of them out" -}}
{{- end -}}

{{- include "caprock.check.selector" (default "" $tap.labelSelector) -}}

{{- $storage := $capture.raw.storageSize -}}
{{- if lt (include "caprock.bytes" $storage | int64) 16777216 -}}
{{- fail (printf "tap.capture.raw.storageSize: %s is too small for a ring: give at least 16Mi" (include "caprock.size" $storage)) -}}
{{- end -}}

{{- $excluded := kindIs "string" $tap.excludedNamespaces | ternary (list $tap.excludedNamespaces) $tap.excludedNamespaces -}}
{{- $included := kindIs "string" $tap.namespaces | ternary (list $tap.namespaces) $tap.namespaces -}}
{{- $rest := list -}}
{{- range $included }}{{ if not (has . $excluded) }}{{ $rest = append $rest . }}{{ end }}{{ end -}}
{{- if and $included (not $rest) -}}
{{- fail (printf "tap.excludedNamespaces takes out all of tap.namespaces (%s): no pod would be recorded" (join ", " $included)) -}}
{{- end -}}

{{- with .Values.resources.limits.memory -}}
{{- $stages := include "caprock.stages" (dict "root" $ "stage" (include "caprock.bytes" $agent.stageSize)) -}}
{{- if lt (include "caprock.bytes" . | int64) (add $stages 67108864) -}}
{{- fail (printf "resources.limits.memory: %s does not hold the stage and 64Mi beside it: give at least %s, or a smaller agent.stageSize"
      (include "caprock.size" .) (include "caprock.quantity" (add $stages 67108864))) -}}
{{- end -}}
{{- end -}}

{{- if not (include "caprock.loopback" .) -}}
{{- fail "agent.listen: the probes need a loopback address: add 127.0.0.1:8897, or another port" -}}
{{- end -}}

{{- if .Values.podMonitor.enabled -}}
{{- $ports := list -}}
{{- range .Values.daemonSet.extraContainers }}{{ range .ports }}{{ $ports = append $ports .name }}{{ end }}{{ end -}}
{{- if not (has .Values.podMonitor.port $ports) -}}
{{- fail (printf "podMonitor: agents serve metrics on loopback alone: daemonSet.extraContainers needs a proxy with a port named %s"
      .Values.podMonitor.port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
