// The variables that the clouds' own SDKs read, as values: who runs the operator sets them, manifests cannot. config.ts
// reads them; everything here gets them as one object.
// AWS: docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html · Azure: azure.github.io/azure-workload-identity
// · Google: docs.cloud.google.com/docs/authentication/application-default-credentials

type AwsVariable =
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
  | 'AWS_SESSION_TOKEN'
  | 'AWS_REGION'
  | 'AWS_DEFAULT_REGION'
  | 'AWS_PROFILE'
  | 'AWS_SHARED_CREDENTIALS_FILE'
  | 'AWS_CONFIG_FILE'
  | 'AWS_ROLE_ARN'
  | 'AWS_ROLE_SESSION_NAME'
  | 'AWS_WEB_IDENTITY_TOKEN_FILE'
  | 'AWS_ENDPOINT_URL'
  | 'AWS_ENDPOINT_URL_STS'
  | 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'
  | 'AWS_STS_REGIONAL_ENDPOINTS'
  | 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
  | 'AWS_CONTAINER_CREDENTIALS_FULL_URI'
  | 'AWS_CONTAINER_AUTHORIZATION_TOKEN'
  | 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'
  | 'AWS_EC2_METADATA_DISABLED'
  | 'AWS_EC2_METADATA_SERVICE_ENDPOINT'
  | 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'
  | 'HOME';

type AzureVariable =
  | 'AZURE_CLIENT_ID'
  | 'AZURE_TENANT_ID'
  | 'AZURE_FEDERATED_TOKEN_FILE'
  | 'AZURE_AUTHORITY_HOST'
  | 'AZURE_POD_IDENTITY_AUTHORITY_HOST';

type GoogleVariable =
  | 'GCE_METADATA_HOST'
  | 'GOOGLE_APPLICATION_CREDENTIALS'
  | 'CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS';

/** By their own names; an empty one counts as unset. */
export type CloudEnvironment = Readonly<Record<AwsVariable | AzureVariable | GoogleVariable, string | undefined>>;

export type CloudVariable = keyof CloudEnvironment;
