// Oracle for ESC: reads one set of documents a line, {"name": "text"} with the root under "env", and answers what the
// reference evaluator makes of it, a line each; null where it does not come to an end. Run by scripts/record-esc-oracle.ts.
// With the argument `measure` it tells how fast it is instead (measure.go).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/pulumi/esc"
	"github.com/pulumi/esc/eval"
	"github.com/pulumi/esc/schema"
	"github.com/pulumi/esc/syntax"
)

// A provider that gives back its inputs, fails with one of them, or makes them secret.
type provider string

func (p provider) Schema() (*schema.Schema, *schema.Schema) {
	if p == "typed" {
		return typed(), typed()
	}
	if p == "error" {
		return schema.Record(schema.BuilderMap{"why": schema.String()}).Schema(), schema.Always()
	}
	return schema.Always(), schema.Always()
}

// One property of each kind that a schema can tell of.
func typed() *schema.Schema {
	text, number := schema.String(), schema.Number()
	return schema.Object().
		Defs(schema.BuilderMap{"named": schema.Record(schema.BuilderMap{"name": text})}).
		Properties(schema.BuilderMap{
			"text":   text,
			"number": number,
			"record": schema.Record(schema.BuilderMap{"foo": text, "more": schema.Record(schema.BuilderMap{"n": number})}),
			"map":    schema.Object().AdditionalProperties(schema.Always()),
			"texts":  schema.Array().Items(text),
			"pair":   schema.Tuple(text, number),
			"either": schema.AnyOf(text, number),
			"one":    schema.OneOf(text, number),
			"ref":    schema.Ref("#/$defs/named"),
			"any":    schema.Always(),
		}).Schema()
}

func (p provider) Open(_ context.Context, inputs map[string]esc.Value, _ esc.EnvExecContext) (esc.Value, error) {
	switch p {
	case "error":
		return esc.Value{}, errors.New(inputs["why"].Value.(string))
	case "secret-wrapper":
		return esc.Value{Value: inputs, Secret: true}, nil
	}
	return esc.NewValue(inputs), nil
}

type loader map[string]string

func (loader) LoadProvider(_ context.Context, name string) (esc.Provider, error) {
	switch name {
	case "test", "error", "secret-wrapper", "typed":
		return provider(name), nil
	}
	return nil, fmt.Errorf("unknown provider %q", name)
}

func (loader) LoadRotator(_ context.Context, name string) (esc.Rotator, error) {
	return nil, fmt.Errorf("unknown rotator %q", name)
}

func (l loader) LoadEnvironment(_ context.Context, name string) ([]byte, eval.Decrypter, error) {
	text, ok := l[name]
	if !ok {
		return nil, nil, fmt.Errorf("no environment %v", name)
	}
	return []byte(text), toyCipher{}, nil
}

type toyCipher struct{}

func (toyCipher) Decrypt(_ context.Context, value []byte) ([]byte, error) {
	plain := make([]byte, len(value))
	for i, b := range value {
		plain[i] = b + 128
	}
	return plain, nil
}

type answer struct {
	Values   any      `json:"values"`
	Redacted any      `json:"redacted"`
	Checked  any      `json:"checked"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
	Check    []string `json:"checkErrors"`
}

func texts(diags syntax.Diagnostics, severity hcl.DiagnosticSeverity) []string {
	found := []string{}
	for _, d := range diags {
		if d.Severity == severity {
			found = append(found, d.Summary)
		}
	}
	return found
}

func plain(env *esc.Environment, redact bool) any {
	if env == nil {
		return nil
	}
	return esc.NewValue(env.Properties).ToJSON(redact)
}

func ask(documents loader) (result *answer) {
	defer func() {
		if recover() != nil {
			result = nil
		}
	}()
	ctx := context.Background()
	env, diags, err := eval.LoadYAMLBytes("env", []byte(documents["env"]))
	if err != nil {
		return nil
	}
	if env == nil {
		errs := texts(diags, hcl.DiagError)
		return &answer{Errors: errs, Check: errs, Warnings: texts(diags, hcl.DiagWarning)}
	}
	execution, err := esc.NewExecContext(map[string]esc.Value{})
	if err != nil {
		return nil
	}
	opened, evalDiags := eval.EvalEnvironment(ctx, "env", env, toyCipher{}, documents, documents, execution)
	checked, checkDiags := eval.CheckEnvironment(ctx, "env", env, toyCipher{}, documents, documents, execution, false)
	return &answer{
		Values:   plain(opened, false),
		Redacted: plain(opened, true),
		Checked:  plain(checked, true),
		Errors:   append(texts(diags, hcl.DiagError), texts(evalDiags, hcl.DiagError)...),
		Warnings: append(texts(diags, hcl.DiagWarning), texts(evalDiags, hcl.DiagWarning)...),
		Check:    append(texts(diags, hcl.DiagError), texts(checkDiags, hcl.DiagError)...),
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "measure" {
		measure()
		return
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<26)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for input.Scan() {
		var documents loader
		if err := json.Unmarshal(input.Bytes(), &documents); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := encoder.Encode(ask(documents)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
