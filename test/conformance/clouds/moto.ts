// What the cases of AWS expect, laid out in moto through its own API. From then on moto judges signatures and rights, by botocore
// and by the policies of its users and roles; what it does not tell as AWS does is named here.
import { strictEqual } from 'node:assert';
import { aws } from './aws.ts';
import { absentName, type CloudCase, type Facts } from './contract.ts';
import { awsPlaces, awsRegion, secretText } from './laid-out.ts';
import { type CloudTarget, routesTo } from './run.ts';

const account = '123456789012';

const inXml = 'moto tells faults of keys and rights in XML, where this service answers JSON';
const anybody = 'moto lets any token assume any role';
const cannot: Readonly<Record<string, string>> = {
  'tells a secret that the identity may not read': inXml,
  'tells a parameter that the identity may not read': inXml,
  'tells a key that nobody knows': inXml,
  'tells a secret key that is another': inXml,
  'tells credentials that have ended': 'moto ends no credentials',
  'tells a ServiceAccount that the role does not trust': anybody,
  'tells a role that is not there': anybody,
};

export async function layOutMoto(url: string): Promise<CloudTarget> {
  const admin = motoAdmin(url);
  const secretArn = await layOutSecrets(admin);
  await layOutParameters(admin);
  const keys = await layOutIdentities(admin);
  await judging(url, 0);
  await provesToJudge(admin);
  const facts = factsOf(keys, secretArn);
  return {
    facts,
    cannot,
    routes: routesTo(aws, facts, url),
    // Whoever assumes a role by a token signs nothing, which moto takes only while it judges nobody.
    before: (each: CloudCase) => judging(url, each.needs.includes('token') ? 1 : 0),
  };
}

function factsOf(keys: Facts, secretArn: string): Facts {
  return {
    ...keys,
    ...awsPlaces,
    secretArn,
    roleArn: `arn:aws:iam::${account}:role/reader`,
    token: 'a.b.c',
    strangerToken: 'x.y.z',
    endedAccessKeyId: 'ASIANONE',
    endedSecretAccessKey: 'none',
    endedSessionToken: 'none',
  };
}

interface MotoAdmin {
  /** Of a service that speaks JSON. Throws for an answer that is no success. */
  call(service: 'secretsmanager' | 'ssm', target: string, input: object): Promise<unknown>;
  /** The XML of IAM. Throws likewise. */
  iam(action: string, fields: Readonly<Record<string, string>>): Promise<string>;
  ask(service: string, headers: Readonly<Record<string, string>>, body: string): Promise<Response>;
}

function motoAdmin(url: string): MotoAdmin {
  // Moto finds the service and the region in what a signature would name.
  const ask: MotoAdmin['ask'] = (service, headers, body) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIANOBODY/20260101/${awsRegion}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
    return fetch(url, {
      method: 'POST',
      headers: { authorization, 'x-amz-date': '20260101T000000Z', ...headers },
      body,
    });
  };
  const textOf = async (what: string, answer: Response) => {
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${what}: HTTP ${answer.status} ${said}`);
    return said;
  };
  return {
    ask,
    async call(service, target, input) {
      const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
      return JSON.parse(await textOf(target, await ask(service, headers, JSON.stringify(input))));
    },
    async iam(action, fields) {
      const body = new URLSearchParams({ Action: action, Version: '2010-05-08', ...fields }).toString();
      return await textOf(action, await ask('iam', { 'content-type': 'application/x-www-form-urlencoded' }, body));
    },
  };
}

async function layOutSecrets({ call }: MotoAdmin): Promise<string> {
  const create = (input: object) => call('secretsmanager', 'secretsmanager.CreateSecret', input);
  const { ARN } = Object(await create({ Name: 'db', SecretString: 'of-before' }));
  await call('secretsmanager', 'secretsmanager.PutSecretValue', { SecretId: 'db', SecretString: secretText });
  await create({ Name: 'bytes', SecretBinary: awsPlaces.bytesBase64 });
  await create({ Name: 'hidden', SecretString: secretText });
  return ARN;
}

async function layOutParameters({ call }: MotoAdmin): Promise<void> {
  const put = (Name: string, Value: string, Type: string) =>
    call('ssm', 'AmazonSSM.PutParameter', { Name, Value, Type });
  await put('/shop/db', 'of-the-parameter', 'String');
  await put('/shop/list', 'a,b,c', 'StringList');
  await put('/shop/sealed', 'of-the-sealed', 'SecureString');
  await put('/shop/hidden', 'hidden', 'String');
}

/** A user with keys, and a role, that may read. */
async function layOutIdentities({ iam }: MotoAdmin): Promise<Facts> {
  const statement = { Effect: 'Allow', Resource: '*', Action: ['secretsmanager:GetSecretValue', 'ssm:GetParameters'] };
  const policy = {
    PolicyName: 'read',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  };
  await iam('CreateUser', { UserName: 'reader' });
  await iam('PutUserPolicy', { UserName: 'reader', ...policy });
  await iam('CreateRole', { RoleName: 'reader', AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' });
  await iam('PutRolePolicy', { RoleName: 'reader', ...policy });
  const xml = await iam('CreateAccessKey', { UserName: 'reader' });
  const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? '';
  return { accessKeyId: element('AccessKeyId'), secretAccessKey: element('SecretAccessKey') };
}

/** Moto judges what is asked after so many requests. */
async function judging(url: string, after: number): Promise<void> {
  const answer = await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: String(after) });
  strictEqual(answer.status, 200);
}

/** A signature that cannot be right is refused; otherwise none of the cases would mean anything. */
async function provesToJudge({ ask }: MotoAdmin): Promise<void> {
  const headers = { 'x-amz-target': 'secretsmanager.GetSecretValue', 'content-type': 'application/x-amz-json-1.1' };
  const answer = await ask('secretsmanager', headers, JSON.stringify({ SecretId: absentName }));
  strictEqual(answer.status, 403, 'moto judges no signatures');
}
