{{- /* A size as it was given, without an exponent that a number from YAML would get. */ -}}
{{- define "caprock.size" -}}
{{ kindIs "float64" . | ternary (int64 .) . }}
{{- end -}}

{{- /* Bytes of a quantity: 1073741824, "128Mi", "1.5Gi", "500M", "1e9". */ -}}
{{- define "caprock.bytes" -}}
{{- $factors := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824
      "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- $text := include "caprock.size" . -}}
{{- $unit := regexFind "[kKMGTPEi]+$" $text -}}
{{- mulf (trimSuffix $unit $text | float64) (get $factors $unit) | int64 -}}
{{- end -}}

{{- /* "384Mi", rounded up. */ -}}
{{- define "caprock.quantity" -}}
{{ printf "%dMi" (div (add (int64 .) 1048575) 1048576) }}
{{- end -}}

{{- /* What the kernel takes for .stage bytes, once for the host and once for each mirror port. */ -}}
{{- define "caprock.stages" -}}
{{- $mirrors := default list .root.Values.agent.mirrorInterfaces -}}
{{- mul (int64 .stage) (add 1 (len (kindIs "string" $mirrors | ternary (list $mirrors) $mirrors))) -}}
{{- end -}}

{{- /* Where the agent is idle: its stage, and 64Mi. */ -}}
{{- define "caprock.memory.request" -}}
{{- $stage := include "caprock.bytes" .Values.agent.stageSize -}}
{{- include "caprock.quantity" (add (include "caprock.stages" (dict "root" . "stage" $stage)) 67108864) -}}
{{- end -}}

{{- /* The most that it may take, on a node of resources.nodeCpus. Figures are those of userspace/:
  capture/stage_geometry.cpp   8Mi of stage for each CPU at least
  capture/memory_limits.cpp    1Mi and 64Ki of counters for each CPU, 32Mi of other maps
  insight/tracepoints.cpp      a queue of 512Ki for each CPU, to the next power of two, 32Mi at the most
  agent/recorder.cpp           a lane for every 8 CPUs
  store/geometry.cpp           segments of a sixteenth of the ring, 8Mi at the most
  store/lane_exchange.hpp      4 of them ahead of a lane, which writes one; one is being sealed
  store/lane.cpp               16Mi of a lane, two segments, in write-back
and 64Mi for the agent, 64Mi for those who read meanwhile: exports, tails, top. */ -}}
{{- define "caprock.memory.limit" -}}
{{- $cpus := int64 .Values.resources.nodeCpus -}}
{{- $stage := max (include "caprock.bytes" .Values.agent.stageSize) (mul $cpus 8388608) -}}
{{- $lanes := div (add $cpus 7) 8 -}}
{{- with .Values.agent.lanes }}{{ if ne (toString .) "auto" }}{{ $lanes = int64 . }}{{ end }}{{ end -}}
{{- $segment := min 8388608 (div (include "caprock.bytes" .Values.tap.capture.raw.storageSize) 16) -}}
{{- $stages := include "caprock.stages" (dict "root" . "stage" $stage) -}}
{{- $queue := 524288 -}}
{{- range until 6 }}{{ if lt $queue (mul $cpus 524288) }}{{ $queue = mul $queue 2 }}{{ end }}{{ end -}}
{{- $maps := add (mul $cpus 1114112) $queue 33554432 -}}
{{- include "caprock.quantity" (add $stages $maps 67108864 (mul $lanes $segment 8) 67108864) -}}
{{- end -}}

{{- define "caprock.resources" -}}
{{- $given := .Values.resources -}}
requests:
  {{- with $given.requests.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ default (include "caprock.memory.request" .) $given.requests.memory | quote }}
limits:
  {{- with $given.limits.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ default (include "caprock.memory.limit" .) $given.limits.memory | quote }}
{{- end -}}
