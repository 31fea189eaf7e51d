package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// An engine that makes credentials with a lease, as those for databases do, for no database: `creds/<role>` gives a name and
// a password, `config/<role>` sets how long they live, and `alive` lists those whose lease has not ended.
type credsBackend struct {
	*framework.Backend
	made atomic.Int64
}

const credsKind = "credentials"

func credsFactory(ctx context.Context, config *logical.BackendConfig) (logical.Backend, error) {
	b := &credsBackend{}
	secret := &framework.Secret{
		Type: credsKind,
		Fields: map[string]*framework.FieldSchema{
			"username": {Type: framework.TypeString},
			"password": {Type: framework.TypeString},
		},
		Renew:  b.renew,
		Revoke: b.revoke,
	}
	role := map[string]*framework.FieldSchema{
		"role":    {Type: framework.TypeString},
		"ttl":     {Type: framework.TypeDurationSecond},
		"max_ttl": {Type: framework.TypeDurationSecond},
	}
	b.Backend = &framework.Backend{
		BackendType: logical.TypeLogical,
		Secrets:     []*framework.Secret{secret},
		Paths: []*framework.Path{
			{
				Pattern:    "config/" + framework.GenericNameRegex("role"),
				Fields:     role,
				Operations: map[logical.Operation]framework.OperationHandler{logical.UpdateOperation: &framework.PathOperation{Callback: b.configure}},
			},
			{
				Pattern:    "creds/" + framework.GenericNameRegex("role"),
				Fields:     role,
				Operations: map[logical.Operation]framework.OperationHandler{logical.ReadOperation: &framework.PathOperation{Callback: b.make}},
			},
			{
				Pattern:    "alive/?",
				Operations: map[logical.Operation]framework.OperationHandler{logical.ListOperation: &framework.PathOperation{Callback: b.alive}},
			},
		},
	}
	return b, b.Setup(ctx, config)
}

type lives struct {
	TTL    time.Duration
	MaxTTL time.Duration
}

func (b *credsBackend) configure(ctx context.Context, request *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	seconds := func(name string) time.Duration { return time.Duration(data.Get(name).(int)) * time.Second }
	entry, err := logical.StorageEntryJSON("role/"+data.Get("role").(string), lives{seconds("ttl"), seconds("max_ttl")})
	if err != nil {
		return nil, err
	}
	return nil, request.Storage.Put(ctx, entry)
}

func (b *credsBackend) livesOf(ctx context.Context, request *logical.Request, role string) (*lives, error) {
	entry, err := request.Storage.Get(ctx, "role/"+role)
	if err != nil || entry == nil {
		return nil, err
	}
	found := &lives{}
	return found, entry.DecodeJSON(found)
}

func (b *credsBackend) make(ctx context.Context, request *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	role := data.Get("role").(string)
	found, err := b.livesOf(ctx, request, role)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return logical.ErrorResponse("unknown role: %s", role), nil
	}
	number := b.made.Add(1)
	name := fmt.Sprintf("v-%s-%d", role, number)
	if err := request.Storage.Put(ctx, &logical.StorageEntry{Key: "alive/" + name}); err != nil {
		return nil, err
	}
	given := map[string]interface{}{"username": name, "password": fmt.Sprintf("pw-%d", number)}
	response := b.Secret(credsKind).Response(given, map[string]interface{}{"username": name, "role": role})
	response.Secret.TTL = found.TTL
	response.Secret.MaxTTL = found.MaxTTL
	return response, nil
}

func (b *credsBackend) renew(ctx context.Context, request *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	found, err := b.livesOf(ctx, request, request.Secret.InternalData["role"].(string))
	if err != nil {
		return nil, err
	}
	response := &logical.Response{Secret: request.Secret}
	response.Secret.TTL = found.TTL
	response.Secret.MaxTTL = found.MaxTTL
	return response, nil
}

func (b *credsBackend) revoke(ctx context.Context, request *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	return nil, request.Storage.Delete(ctx, "alive/"+request.Secret.InternalData["username"].(string))
}

func (b *credsBackend) alive(ctx context.Context, request *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	names, err := request.Storage.List(ctx, "alive/")
	if err != nil {
		return nil, err
	}
	return logical.ListResponse(names), nil
}
