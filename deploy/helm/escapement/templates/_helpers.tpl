{{- define "escapement.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "escapement.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "escapement.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- /* Of cluster-scoped objects: the namespace is part of it, so that releases of one name in several namespaces do not meet. */}}
{{- define "escapement.clusterName" -}}
{{- printf "%s:%s" (include "escapement.fullname" .) (include "escapement.namespace" .) }}
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

{{- /* Name, namespace and labels of a namespaced object. */}}
{{- define "escapement.metadata" -}}
name: {{ include "escapement.fullname" . }}
namespace: {{ include "escapement.namespace" . }}
labels:
  {{- include "escapement.labels" . | nindent 2 }}
{{- end }}

{{- define "escapement.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "escapement.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "escapement.image" -}}
{{- $repository := default .Values.image.repository .Values.global.repository }}
{{- if hasSuffix "/external-secrets" $repository }}
{{- fail (printf "image.repository: %q is the image of the External Secrets Operator: leave image.repository and image.tag out of the values" $repository) }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* OpenShift gives user and group itself and refuses others. */}}
{{- define "escapement.securityContext" -}}
{{- $how := .root.Values.global.compatibility.openshift.adaptSecurityContext }}
{{- $context := omit .context "enabled" }}
{{- if or (eq $how "force") (and (eq $how "auto") (.root.Capabilities.APIVersions.Has "security.openshift.io/v1")) }}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{- /* The namespaces that are served, with commas between; nothing for all. */}}
{{- define "escapement.scope" -}}
{{- if and .Values.scopedNamespace .Values.scopedNamespaces }}
{{- fail "scopedNamespace and scopedNamespaces: set one of them" }}
{{- end }}
{{- join "," (default (compact (list .Values.scopedNamespace)) .Values.scopedNamespaces) }}
{{- end }}

{{- /* Whether ClusterSecretStores are served: never from a Role. */}}
{{- define "escapement.clusterStores" -}}
{{- if and .Values.processClusterStore (not .Values.scopedRBAC) }}true{{ end }}
{{- end }}

{{- /* Whether ClusterExternalSecrets are served: they choose among all namespaces. */}}
{{- define "escapement.clusterExternalSecrets" -}}
{{- if and .Values.processClusterExternalSecret (not .Values.scopedRBAC) (not (include "escapement.scope" .)) }}true{{ end }}
{{- end }}

{{- /* Rules for the kinds that genericTargets names, besides ConfigMaps. */}}
{{- define "escapement.genericTargetRules" -}}
{{- if .Values.genericTargets.enabled }}
{{- range .Values.genericTargets.resources }}
- apiGroups: [{{ .apiGroup | quote }}]
  resources: {{ toJson .resources }}
  verbs: {{ default (list "get" "list" "watch" "create" "update" "delete") .verbs | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The operator's arguments: the one place where values become flags. */}}
{{- define "escapement.args" -}}
- run
- --concurrent={{ .Values.concurrent }}
{{- with .Values.controllerClass }}
- --controller-class={{ . }}
{{- end }}
{{- with include "escapement.scope" . }}
- --namespace={{ . }}
{{- end }}
- --enable-cluster-store-reconciler={{ if include "escapement.clusterStores" . }}true{{ else }}false{{ end }}
- --enable-cluster-external-secret-reconciler={{ if include "escapement.clusterExternalSecrets" . }}true{{ else }}false{{ end }}
- --enable-secret-store-reconciler={{ .Values.processSecretStore }}
- --enable-leader-election={{ .Values.leaderElect }}
- --leader-election-id={{ include "escapement.fullname" . }}-controller
- --store-requeue-interval={{ default "5m" .Values.storeRequeueInterval }}
- --heartbeat-interval={{ default "1h" .Values.heartbeatInterval }}
- --loglevel={{ .Values.log.level }}
{{- if .Values.extendedMetricLabels }}
- --enable-extended-metric-labels=true
{{- end }}
- --metrics-addr=:{{ .Values.metrics.listen.port }}
{{- with .Values.metrics.listen.secure }}
{{- if .enabled }}
- --metrics-secure=true
- --metrics-cert-dir={{ .certDir }}
{{- end }}
{{- end }}
- --live-addr=:{{ .Values.healthPort }}
{{- if .Values.quarantine }}
- --state-dir=/state
{{- end }}
{{- if .Values.keptLeases }}
- --leases-secret={{ include "escapement.fullname" . }}-leases
{{- end }}
- --enable-fake-provider={{ .Values.fakeProvider }}
{{- if .Values.genericTargets.enabled }}
- --unsafe-allow-generic-targets=true
{{- end }}
- --names-per-namespace={{ .Values.namesPerNamespace }}
- --hosts-per-namespace={{ .Values.hostsPerNamespace }}
- --requests-per-namespace={{ .Values.requestsPerNamespace }}
- --snapshots-per-namespace={{ .Values.snapshotsPerNamespace }}
- --ambient-identity-hosts={{ join "," .Values.ambientIdentity.hosts }}
- {{ printf "--ambient-identity-namespaces=%s" (join "," .Values.ambientIdentity.namespaces) | quote }}
{{- if .Values.ambientIdentity.tokenAudience }}
- --ambient-identity-token-path=/var/run/secrets/escapement.dev/identity/token
{{- end }}
- --credential-directories={{ join "," .Values.credentialDirectories }}
{{- with .Values.upstreamHosts }}
- --upstream-hosts={{ join "," . }}
{{- end }}
{{- with .Values.upstreamHostsFor }}
- {{ printf "--upstream-hosts-for=%s" (toJson .) | quote }}
{{- end }}
- --insecure-upstream-hosts={{ join "," .Values.insecureUpstreamHosts }}
{{- range $name, $value := .Values.extraArgs }}
{{- if kindIs "invalid" $value }}
- --{{ $name }}
{{- else }}
- {{ printf "--%s=%s" $name (toString $value) | quote }}
{{- end }}
{{- end }}
{{- end }}
