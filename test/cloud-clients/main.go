// Reads from clouds by the clouds' own libraries, for tests: `{"aws": {FACT: TEXT}, …}` on standard input says what lies there,
// and the answer on standard output is `{"aws": {WHAT: TEXT}, …}`, where the text is a value, or `failed: ` and the reason. The
// way to the hosts is the process's own: HTTPS_PROXY and SSL_CERT_FILE.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/1Password/connect-sdk-go/connect"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/bradleyfalzon/ghinstallation/v2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	secretmanager "google.golang.org/api/secretmanager/v1"
)

type facts map[string]string

// Found holds what was read, by what it is.
type found map[string]string

// Put notes a value, or why there is none.
func (f found) put(what, text string, err error) {
	if err != nil {
		text = "failed: " + reason(err)
	}
	f[what] = text
}

var clouds = map[string]func(context.Context, facts, found){
	"aws":       readAws,
	"gcp":       readGoogle,
	"azure":     readAzure,
	"1password": readOnePassword,
	"github":    readGithub,
}

func main() {
	var given map[string]facts
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	all := map[string]found{}
	for name, at := range given {
		all[name] = found{}
		if read := clouds[name]; read != nil {
			read(ctx, at, all[name])
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Reason is the code by which each library tells failures apart.
func reason(err error) string {
	var aws smithy.APIError
	if errors.As(err, &aws) {
		return aws.ErrorCode()
	}
	var azure *azcore.ResponseError
	if errors.As(err, &azure) {
		return azure.ErrorCode
	}
	var api *googleapi.Error
	if errors.As(err, &api) {
		return strconv.Itoa(api.Code)
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

type tokenText string

func (t tokenText) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

func readAws(ctx context.Context, at facts, f found) {
	keys := aws.Config{
		Region:      at["region"],
		Credentials: credentials.NewStaticCredentialsProvider(at["accessKeyId"], at["secretAccessKey"], ""),
	}
	secret := func(config aws.Config, id string) (string, error) {
		out, err := secretsmanager.NewFromConfig(config).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.SecretString) + base64.StdEncoding.EncodeToString(out.SecretBinary), nil
	}
	each := func(what string, config aws.Config, id string) {
		text, err := secret(config, id)
		f.put(what, text, err)
	}
	each("secret", keys, at["secret"])
	each("bytes", keys, at["bytesSecret"])
	each("absent", keys, "none")
	each("hidden", keys, at["hiddenSecret"])
	wrong := keys.Copy()
	wrong.Credentials = credentials.NewStaticCredentialsProvider(at["accessKeyId"], "another", "")
	each("another key", wrong, at["secret"])
	ended := keys.Copy()
	ended.Credentials = credentials.NewStaticCredentialsProvider(at["endedAccessKeyId"], at["endedSecretAccessKey"], at["endedSessionToken"])
	each("ended", ended, at["secret"])

	byRole := func(token string) aws.Config {
		config := keys.Copy()
		config.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(keys), at["roleArn"], tokenText(token)))
		return config
	}
	each("by a role", byRole(at["token"]), at["secret"])
	each("by a stranger", byRole(at["strangerToken"]), at["secret"])

	parameters, err := ssm.NewFromConfig(keys).GetParameters(ctx, &ssm.GetParametersInput{
		Names: []string{at["parameter"] + ":1", at["listParameter"], at["sealedParameter"], "none"}, WithDecryption: aws.Bool(true),
	})
	if err != nil {
		f.put("parameters", "", err)
		return
	}
	texts := []string{}
	for _, each := range parameters.Parameters {
		texts = append(texts, aws.ToString(each.Name)+aws.ToString(each.Selector)+" "+string(each.Type)+" "+aws.ToString(each.Value))
	}
	f.put("parameters", strings.Join(append(texts, parameters.InvalidParameters...), "; "), nil)
}

func readGoogle(ctx context.Context, at facts, f found) {
	service := func(source oauth2.TokenSource) *secretmanager.Service {
		made, err := secretmanager.NewService(ctx, option.WithTokenSource(source))
		if err != nil {
			f.put("service", "", err)
		}
		return made
	}
	read := func(what string, from *secretmanager.Service, project, name, version string) {
		path := "projects/" + project + "/secrets/" + name + "/versions/" + version
		out, err := from.Projects.Secrets.Versions.Access(path).Context(ctx).Do()
		if err != nil {
			f.put(what, "", err)
			return
		}
		data, err := base64.StdEncoding.DecodeString(out.Payload.Data)
		f.put(what, string(data), err)
	}
	byToken := service(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: at["accessToken"]}))
	read("secret", byToken, at["project"], at["secret"], "latest")
	read("first", byToken, at["project"], at["secret"], "1")
	read("absent", byToken, at["project"], "none", "latest")
	read("hidden", byToken, at["project"], at["hiddenSecret"], "latest")
	read("disabled", byToken, at["project"], at["secret"], at["disabledVersion"])
	read("another token", service(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "none"})), at["project"], at["secret"], "latest")
	for what, token := range map[string]string{"by a pool": at["token"], "by a stranger": at["strangerToken"]} {
		source, err := federated(ctx, at, token)
		if err == nil {
			_, err = source.Token()
		}
		if err != nil {
			f.put(what, "", err)
			continue
		}
		read(what, service(source), at["project"], at["secret"], "latest")
	}
}

func federated(ctx context.Context, at facts, token string) (oauth2.TokenSource, error) {
	file, err := os.CreateTemp("", "token")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(token); err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"type":                              "external_account",
		"audience":                          "//iam.googleapis.com/projects/" + at["project"] + "/locations/global/workloadIdentityPools/" + at["pool"] + "/providers/" + at["provider"],
		"subject_token_type":                "urn:ietf:params:oauth:token-type:jwt",
		"token_url":                         "https://sts.googleapis.com/v1/token",
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + at["account"] + ":generateAccessToken",
		"credential_source":                 map[string]any{"file": file.Name()},
	})
	if err != nil {
		return nil, err
	}
	made, err := google.CredentialsFromJSON(ctx, config, "https://www.googleapis.com/auth/cloud-platform")
	if err != nil {
		return nil, err
	}
	first, err := made.TokenSource.Token() // while the file is there
	if err != nil {
		return nil, err
	}
	return oauth2.StaticTokenSource(first), nil
}

func readAzure(ctx context.Context, at facts, f found) {
	read := func(what string, credential azcore.TokenCredential, err error, name, version string) {
		if err != nil {
			f.put(what, "", err)
			return
		}
		client, err := azsecrets.NewClient("https://"+at["vault"]+".vault.azure.net", credential, nil)
		if err != nil {
			f.put(what, "", err)
			return
		}
		out, err := client.GetSecret(ctx, name, version, nil)
		if err != nil {
			f.put(what, "", err)
			return
		}
		f.put(what, *out.Value, nil)
	}
	bySecret, err := azidentity.NewClientSecretCredential(at["tenantId"], at["clientId"], at["clientSecret"],
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true})
	read("secret", bySecret, err, at["secret"], "")
	read("version", bySecret, err, at["secret"], at["version"])
	read("absent", bySecret, err, "none", "")
	read("hidden", bySecret, err, at["hiddenSecret"], "")
	read("disabled", bySecret, err, at["disabledSecret"], "")
	for what, token := range map[string]string{"by a token": at["token"], "by a stranger": at["strangerToken"]} {
		credential, err := azidentity.NewClientAssertionCredential(at["tenantId"], at["clientId"],
			func(context.Context) (string, error) { return token, nil },
			&azidentity.ClientAssertionCredentialOptions{DisableInstanceDiscovery: true})
		read(what, credential, err, at["secret"], "")
	}
}

func readOnePassword(_ context.Context, at facts, f found) {
	field := func(what string, client connect.Client, item, vault string) {
		found, err := client.GetItem(item, vault)
		if err != nil {
			f.put(what, "", err)
			return
		}
		f.put(what, found.GetValue(at["field"]), nil)
	}
	client := connect.NewClient(at["host"], at["token"])
	field("by names", client, at["item"], at["vault"])
	field("by ids", client, at["itemId"], at["vaultId"])
	field("absent", client, "none", at["vault"])
	field("hidden", client, at["item"], at["hiddenVaultId"])
	field("another token", connect.NewClient(at["host"], "none"), at["item"], at["vault"])
}

func readGithub(ctx context.Context, at facts, f found) {
	appID, err := strconv.ParseInt(at["appId"], 10, 64)
	if err != nil {
		f.put("app", "", err)
		return
	}
	app, err := ghinstallation.NewAppsTransport(http.DefaultTransport, appID, []byte(at["privateKey"]))
	if err != nil {
		f.put("app", "", err)
		return
	}
	answer, err := (&http.Client{Transport: app}).Get("https://api.github.com/orgs/" + at["owner"] + "/installation")
	if err != nil {
		f.put("installation", "", err)
		return
	}
	defer answer.Body.Close()
	var installation struct {
		ID int64 `json:"id"`
	}
	err = json.NewDecoder(answer.Body).Decode(&installation)
	f.put("installation", strconv.FormatInt(installation.ID, 10), err)
	made := ghinstallation.NewFromAppsTransport(app, installation.ID)
	token, err := made.Token(ctx)
	f.put("token", token, err)
	expiry, _, err := made.Expiry()
	f.put("lasts", strconv.FormatBool(time.Until(expiry) > 50*time.Minute), err)
	_, err = ghinstallation.NewFromAppsTransport(app, 999).Token(ctx)
	f.put("absent", "", err)
}
