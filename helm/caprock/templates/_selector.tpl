{{- /* Refuses a label selector that the agent would refuse (as `kubectl -l`), or that no pod can meet. */ -}}
{{- define "caprock.check.selector" -}}
{{- $key := "[A-Za-z0-9._/-]+" -}}
{{- $value := "[A-Za-z0-9._-]*" -}}
{{- $set := printf "\\(\\s*%s(\\s*,\\s*%s)*\\s*\\)" $value $value -}}
{{- $one := printf "(! *%s|%s( *(==|=|!=) *%s| +(in|notin) *%s)?)" $key $key $value $set -}}
{{- if not (regexMatch (printf "^\\s*(%s(\\s*,\\s*%s)*)?\\s*$" $one $one) .) -}}
{{- fail (printf "tap.labelSelector: %q is no label selector: write key=value, key!=value, key in (a,b), key notin (a,b), key or !key, by commas" .) -}}
{{- end -}}

{{- /* Each: whose value is one of these or, negated, none. "!" is the value of a label that is not there. */ -}}
{{- $requirements := list -}}
{{- range $text := regexFindAll $one . -1 -}}
{{- $name := regexFind $key $text -}}
{{- $values := list "!" -}}
{{- $negated := eq $text $name -}}
{{- if regexMatch "[=(]" $text -}}
{{- $values = regexSplit "\\s*,\\s*" (regexReplaceAll "^[^=(]*[=(]+\\s*|\\s*\\)$" $text "") -1 -}}
{{- $negated = regexMatch "!=| notin *\\(" $text -}}
{{- end -}}
{{- $requirements = append $requirements (dict "name" $name "values" $values "negated" $negated) -}}
{{- end -}}

{{- range $asked := $requirements -}}
{{- $left := list -}}
{{- range $value := $asked.values -}}
{{- $taken := true -}}
{{- range $other := $requirements -}}
{{- if and (eq $other.name $asked.name) (eq (has $value $other.values) $other.negated) }}{{ $taken = false }}{{ end -}}
{{- end -}}
{{- if $taken }}{{ $left = append $left $value }}{{ end -}}
{{- end -}}
{{- if not (or $asked.negated $left) -}}
{{- fail (printf "tap.labelSelector contradicts itself in what label %s has to be: no pod would be recorded" $asked.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
