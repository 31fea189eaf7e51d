"""Records what botocore, a client of AWS that this project did not write, sends and signs, and which hosts it asks, one region
of each partition: prints the table that testdata/botocore.json is. Nothing leaves the machine."""
import datetime
import json
import os
from unittest import mock

import botocore
import botocore.session
from botocore.awsrequest import AWSResponse

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION = "IQoJb3JpZ2luX2VjEXAMPLE/+=="
UNSIGNED = ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "content-length", "x-amz-user-agent")

CALLS = [
    ("a secret, by keys", "secretsmanager", "eu-central-1", None, "get_secret_value", {"SecretId": "prod/db ü"}),
    (
        "a version, by a session",
        "secretsmanager",
        "us-gov-west-1",
        SESSION,
        "get_secret_value",
        {"SecretId": "prod/db", "VersionStage": "AWSPREVIOUS"},
    ),
    (
        "parameters, by a session",
        "ssm",
        "cn-north-1",
        SESSION,
        "get_parameters",
        {"Names": ["/shop/db", "/shop/list:2"], "WithDecryption": True},
    ),
    (
        "a role, by a session",
        "sts",
        "us-east-1",
        SESSION,
        "assume_role",
        {
            "RoleArn": "arn:aws:iam::123456789012:role/a+b",
            "RoleSessionName": "shop@app",
            "DurationSeconds": 3600,
            "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        },
    ),
]


class Sent(Exception):
    pass


def record(name, service, region, session, operation, arguments):
    client = botocore.session.get_session().create_client(
        service,
        region_name=region,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=session,
    )
    sent = []

    def catch(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, mock.Mock(stream=lambda: [b""]))

    client.meta.events.register("before-send", catch)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: NOW):
        try:
            getattr(client, operation)(**arguments)
        except Exception:  # the empty answer is none of AWS
            pass
    request = sent[0]
    headers = {key.lower(): value.decode() if isinstance(value, bytes) else value for key, value in request.headers.items()}
    authorization = headers.pop("authorization")
    host = request.url.split("/")[2]
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    kept = {key: value for key, value in sorted(headers.items()) if key not in UNSIGNED}
    return {
        "name": name,
        "service": service,
        "region": region,
        "headers": {"host": host, **kept},
        "body": body,
        "authorization": authorization,
    }


def hosts():
    session = botocore.session.get_session()
    path = os.path.join(os.path.dirname(botocore.__file__), "data", "partitions.json")
    with open(path, encoding="utf-8") as file:
        partitions = json.load(file)["partitions"]
    found = {}
    for partition in partitions:
        region = sorted(name for name in partition["regions"] if not name.endswith("-global"))[0]
        for service in ("secretsmanager", "ssm", "sts"):
            client = session.create_client(service, region_name=region, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
            found.setdefault(region, {})[service] = client.meta.endpoint_url
    return found


table = {
    "recordedFrom": f"botocore {botocore.__version__}",
    "accessKeyId": KEY,
    "secretAccessKey": SECRET,
    "sessionToken": SESSION,
    "hosts": hosts(),
    "requests": [record(*call) for call in CALLS],
}
print(json.dumps(table, indent=2, ensure_ascii=False))
