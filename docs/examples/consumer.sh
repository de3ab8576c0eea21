#!/bin/sh
# Calls the Device-ID service with the credential in use. Needs the AWS CLI, jq and curl.
# SECRET_ID and SERVICE_URL say what to use; CA_FILE only where the service's certificate is not from a public authority.
set -eu
: "${SECRET_ID:?is not set: the name or ARN of the secret}" "${SERVICE_URL:?is not set: the service's base URL}"
umask 077
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM

aws secretsmanager get-secret-value --secret-id "$SECRET_ID" --version-stage AWSCURRENT \
    --query SecretString --output text > "$directory/secret.json"
jq -er .cert "$directory/secret.json" > "$directory/cert.pem"
jq -er .privateKey "$directory/secret.json" > "$directory/key.pem"
# Into a file, because everybody on the machine can read the arguments of a command.
jq -er '"apiKey: " + .apiKey' "$directory/secret.json" > "$directory/headers"

curl --silent --show-error --fail-with-body --max-time 40 ${CA_FILE:+--cacert "$CA_FILE"} \
    --cert "$directory/cert.pem" --key "$directory/key.pem" --header "@$directory/headers" \
    "$SERVICE_URL/api/v1/token/verdicts?pageLen=1"
