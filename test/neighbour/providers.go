// Package register replaces the file of the same package in the External Secrets Operator, which names every provider:
// three are enough for a neighbour, and the SDKs of the others take the most part of a build.
package register

import (
	_ "github.com/external-secrets/external-secrets/pkg/provider/fake"
	_ "github.com/external-secrets/external-secrets/pkg/provider/infisical"
	_ "github.com/external-secrets/external-secrets/pkg/provider/kubernetes"
)
