"""The contract's names, said once more: users match on them, so no test takes them from the code."""

# Of every result.
RESULT = {
    "outcome",
    "renews",
    "secretId",
    "certName",
    "notAfter",
    "daysLeft",
    "renewAt",
    "attemptsAvailable",
    "nextAttemptAt",
    "apiKeyNotAfter",
    "apiKeyRenewAt",
    "apiKeyAttemptsAvailable",
    "apiKeyNextAttemptAt",
}
# The errors.
ERRORS = {
    "InvalidEvent",
    "InvalidSettings",
    "InvalidCredential",
    "CredentialExpired",
    "RefreshRejected",
    "Unauthorized",
    "RefreshConflict",
    "TooManyRequests",
    "ServiceFailure",
    "ServiceUnreachable",
    "OutcomeUnknown",
    "CertificateRejected",
    "ApiKeyRejected",
    "CertificateNotAccepted",
    "ApiKeyNotAccepted",
    "StorageFailure",
    "RotationPostponed",
}
