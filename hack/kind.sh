#!/usr/bin/env bash
# A kind cluster with the chart in it, for people with Docker: builds the image, loads it, installs the chart, waits until the
# operator is ready, and runs the end-to-end tests against that cluster.
#   hack/kind.sh            all of it; the cluster stays
#   hack/kind.sh --no-tests leaves the tests out
#   hack/kind.sh --delete   removes the cluster
set -euo pipefail
cd "$(dirname "$0")/.."

name=${KIND_CLUSTER:-escapement}
node_image=${KIND_NODE_IMAGE:-}
image=escapement.local/escapement:dev

for tool in docker kind kubectl helm npm; do
  command -v "$tool" >/dev/null || { echo "hack/kind.sh: $tool is not installed" >&2; exit 1; }
done
docker info >/dev/null 2>&1 || { echo "hack/kind.sh: the docker daemon does not answer" >&2; exit 1; }

if [ "${1:-}" = --delete ]; then
  exec kind delete cluster --name "$name"
fi

if ! kind get clusters | grep -qx "$name"; then
  kind create cluster --name "$name" --wait 120s ${node_image:+--image "$node_image"}
fi
mkdir -p .cache
kubeconfig=$PWD/.cache/kind-$name.kubeconfig
kind get kubeconfig --name "$name" >"$kubeconfig"
chmod 600 "$kubeconfig"
export KUBECONFIG=$kubeconfig

npm ci
npm run image -- --tag "$image"
kind load docker-image --name "$name" "$image"

helm upgrade --install escapement deploy/helm/escapement \
  --namespace escapement-system --create-namespace \
  --set image.repository="${image%:*}" --set image.tag="${image##*:}" --set image.pullPolicy=Never \
  --set replicaCount=2
kubectl -n escapement-system rollout status deployment/escapement --timeout=120s

[ "${1:-}" = --no-tests ] && exit 0

# The tests bring operators of their own, one a namespace, and talk to the server by a bearer token.
kubectl -n escapement-system scale deployment/escapement --replicas=0
kubectl create serviceaccount e2e --namespace kube-system --dry-run=client -o yaml | kubectl apply -f -
kubectl create clusterrolebinding e2e --clusterrole=cluster-admin --serviceaccount=kube-system:e2e --dry-run=client -o yaml |
  kubectl apply -f -
token=$(kubectl create token e2e --namespace kube-system --duration=4h)
kubectl config set-credentials e2e --token="$token"
kubectl config set-context --current --user=e2e
npm run build
ESCAPEMENT_TEST_KUBECONFIG=$kubeconfig npx vitest run --project cluster
