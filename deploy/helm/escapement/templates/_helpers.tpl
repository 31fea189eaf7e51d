{{- define "escapement.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "escapement.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "escapement.selectorLabels" -}}
app.kubernetes.io/name: {{ include "escapement.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "escapement.labels" -}}
{{ include "escapement.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "escapement.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "escapement.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "escapement.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* Whether ClusterSecretStores are served: never from a Role. */}}
{{- define "escapement.clusterStores" -}}
{{- if and .Values.processClusterStore (not .Values.scopedRBAC) }}true{{ end }}
{{- end }}

{{- /* Rules that hold in the namespaces that are served. Each is explained in docs/reference/rbac.md. */}}
{{- define "escapement.servedRules" -}}
- apiGroups: [external-secrets.io]
  resources: [externalsecrets, secretstores]
  verbs: [list, watch]
- apiGroups: [external-secrets.io]
  resources: [externalsecrets]
  verbs: [patch]
- apiGroups: [external-secrets.io]
  resources: [externalsecrets/status, secretstores/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rbac.serviceAccountTokenCreate }}
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}
{{- end }}

{{- /* The operator's arguments: the one place where values become flags. */}}
{{- define "escapement.args" -}}
- run
- --concurrent={{ .Values.concurrent }}
{{- with .Values.controllerClass }}
- --controller-class={{ . }}
{{- end }}
{{- with .Values.scopedNamespace }}
- --namespace={{ . }}
{{- end }}
- --enable-cluster-store-reconciler={{ if include "escapement.clusterStores" . }}true{{ else }}false{{ end }}
- --enable-secret-store-reconciler={{ .Values.processSecretStore }}
- --enable-leader-election={{ .Values.leaderElect }}
- --leader-election-id={{ include "escapement.fullname" . }}
- --store-requeue-interval={{ .Values.storeRequeueInterval }}
- --heartbeat-interval={{ .Values.heartbeatInterval }}
- --loglevel={{ .Values.log.level }}
- --metrics-addr=:{{ .Values.metrics.listen.port }}
- --live-addr=:{{ .Values.healthPort }}
- --ambient-identity-hosts={{ join "," .Values.ambientIdentity.hosts }}
- --ambient-identity-namespaces={{ join "," .Values.ambientIdentity.namespaces }}
- --credential-directories={{ join "," .Values.credentialDirectories }}
- --insecure-upstream-hosts={{ join "," .Values.insecureUpstreamHosts }}
{{- range $name, $value := .Values.extraArgs }}
{{- if kindIs "invalid" $value }}
- --{{ $name }}
{{- else }}
- --{{ $name }}={{ $value }}
{{- end }}
{{- end }}
{{- end }}
