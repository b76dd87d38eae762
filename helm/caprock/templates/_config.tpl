{{- /* JSON of {value: what is at .path, as "tap.regex", of .tree}, or {} where there is nothing. */ -}}
{{- define "caprock.value" -}}
{{- $at := .tree -}}
{{- $found := true -}}
{{- range splitList "." .path -}}
{{- $section := kindIs "map" $at | ternary $at dict -}}
{{- $found = and $found (hasKey $section .) -}}
{{- $at = get $section . -}}
{{- end -}}
{{- and $found (not (kindIs "invalid" $at)) | ternary (dict "value" $at) dict | toJson -}}
{{- end -}}

{{- /* YAML of those values whose paths are in .paths. */ -}}
{{- define "caprock.values" -}}
{{- $tree := .root.Values -}}
{{- $picked := dict -}}
{{- range $path := .paths -}}
{{- $found := include "caprock.value" (dict "tree" $tree "path" $path) | fromJson -}}
{{- if hasKey $found "value" -}}
{{- $section := $picked -}}
{{- $parts := splitList "." $path -}}
{{- range initial $parts -}}
{{- if not (hasKey $section .) }}{{ $_ := set $section . dict }}{{ end -}}
{{- $section = get $section . -}}
{{- end -}}
{{- $_ := set $section (last $parts) $found.value -}}
{{- end -}}
{{- end -}}
{{- toYaml $picked -}}
{{- end -}}

{{- define "caprock.keys" -}}
{{ .Files.Get "files/keys.yaml" }}
{{- end -}}

{{- /* The agent's configuration. */ -}}
{{- define "caprock.config" -}}
{{- $keys := include "caprock.keys" . | fromYaml -}}
{{- include "caprock.values" (dict "root" . "paths" (concat $keys.live $keys.restart)) -}}
{{- end -}}

{{- /* What of it an agent takes over only as it starts. A change of the rest must not restart it: it reads the file again. */ -}}
{{- define "caprock.config.restart" -}}
{{- $keys := include "caprock.keys" . | fromYaml -}}
{{- include "caprock.values" (dict "root" . "paths" $keys.restart) -}}
{{- end -}}

{{- /* Comma-separated paths of the values given that caprock has no use for. */ -}}
{{- define "caprock.ignored" -}}
{{- $keys := include "caprock.keys" . | fromYaml -}}
{{- $given := list -}}
{{- range $path := $keys.ignored -}}
{{- $found := include "caprock.value" (dict "tree" $.Values "path" $path) | fromJson -}}
{{- if hasKey $found "value" }}{{ $given = append $given $path }}{{ end -}}
{{- end -}}
{{- join ", " $given -}}
{{- end -}}

{{- /* host:port of the first loopback address that the agent listens on, for its probes. */ -}}
{{- define "caprock.loopback" -}}
{{- $found := list -}}
{{- $listen := default (list "127.0.0.1:8897") .Values.agent.listen -}}
{{- range (kindIs "string" $listen | ternary (list $listen) $listen) -}}
{{- if regexMatch "^(127\\.[0-9.]+|\\[::1\\]):[1-9][0-9]*$" . }}{{ $found = append $found . }}{{ end -}}
{{- end -}}
{{- with $found }}{{ first . }}{{ end -}}
{{- end -}}
