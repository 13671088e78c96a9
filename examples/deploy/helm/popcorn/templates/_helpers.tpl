{{- define "popcorn.labels" -}}
app.kubernetes.io/name: popcorn
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "popcorn.selector" -}}
app.kubernetes.io/name: popcorn
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "popcorn.name" -}}
{{- if contains "popcorn" .Release.Name }}{{ .Release.Name | trunc 52 }}{{ else }}{{ .Release.Name | trunc 44 }}-popcorn{{ end }}
{{- end }}

{{/* What selects the metrics of this release's pods. */}}
{{- define "popcorn.metrics" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ include "popcorn.name" . }}-.*"
{{- end }}
