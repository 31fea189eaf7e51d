// Package register replaces the file of the same package in the External Secrets Operator, as providers.go does for
// providers.
package register

import (
	_ "github.com/external-secrets/external-secrets/pkg/generator/fake"
)
