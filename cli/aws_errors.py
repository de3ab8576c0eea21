"""What AWS, or the way to it, refused: as a sentence with its cure. The one place that knows boto3's errors."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnknownEndpointError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from certificate_rotation.adapters.aws import aws_reason

NOT_REACHED = (BotoCoreError, ResponseParserError)
"""What boto3 raises where AWS did not refuse, but could not be asked or understood."""

_SIGN_IN = "Sign in first (`aws sso login`, or `aws configure`), or name a profile in AWS_PROFILE."
_REGION = "Set AWS_REGION to the region of the stack, such as us-east-1."
_CONFIG = "Mend the file, or name another one in AWS_CONFIG_FILE."
_NETWORK = "Check the network, AWS_REGION, and AWS_ENDPOINT_URL if it is set."
_RIGHTS = "Use a profile that may do this (AWS_PROFILE), or have this right given to yours."
_CLOCK = "Set this machine's clock: AWS takes no request that was signed minutes ago."
_LATER = "Nothing is wrong with the command: try again in a minute."
_MISSING = (
    "Check the name, and that AWS_PROFILE and AWS_REGION lead to its account and region: `aws sts get-caller-identity` "
    "shows the account."
)
_OTHERWISE = "If AWS asks for nothing else above, try again in a minute."

_CURES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (  # the first that fits
    ((NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, LoginError, NoAuthTokenError), _SIGN_IN),
    ((SSOError, TokenRetrievalError), _SIGN_IN),
    ((ProfileNotFound,), "`aws configure list-profiles` shows those you have."),
    ((ConfigParseError, ConfigNotFound), _CONFIG),
    ((NoRegionError, InvalidRegionError, UnknownEndpointError), _REGION),
    ((ParamValidationError,), "Check what the options name."),
    ((SSLError,), "Check AWS_ENDPOINT_URL, and AWS_CA_BUNDLE if something between you and AWS looks into TLS."),
    ((ReadTimeoutError,), "AWS took the request and did not answer in time. Look how things are, then try again."),
    ((NoConnectionError, HTTPClientError), _NETWORK),
    ((ResponseParserError,), "What answered is not AWS. Check AWS_ENDPOINT_URL, and that no proxy answers instead."),
)
_CODES = {  # what AWS's services and its signature check name their refusals
    _SIGN_IN: """
        ExpiredToken ExpiredTokenException InvalidAccessKeyId InvalidClientTokenId InvalidToken AuthFailure
        MissingAuthenticationToken MissingAuthenticationTokenException TokenRefreshRequired
        UnrecognizedClientException SignatureDoesNotMatch IncompleteSignature UnauthorizedException""",
    _CLOCK: "RequestExpired RequestTimeTooSkewed InvalidSignatureException",
    _RIGHTS: """
        AccessDenied AccessDeniedException AuthorizationError AuthorizationErrorException UnauthorizedOperation
        KMSAccessDeniedException""",
    f"AWS is asked too often at the moment. {_LATER}": """
        Throttling ThrottlingException ThrottledException TooManyRequestsException RequestLimitExceeded
        RequestThrottled RequestThrottledException ProvisionedThroughputExceededException SlowDown
        EC2ThrottledException""",
    "A quota of the account is used up: Service Quotas in the AWS console shows it, and raises it.": """
        LimitExceeded LimitExceededException ServiceQuotaExceededException""",
    _MISSING: "NoSuchEntity NotFound NotFoundException ResourceNotFound ResourceNotFoundException",
    f"This is AWS's own trouble. {_LATER}": """
        InternalError InternalFailure InternalServerError InternalServiceError InternalServiceErrorException
        InternalServerException ServiceException ServiceUnavailable ServiceUnavailableException""",
    "The key that encrypts it is disabled or gone: look at it in the KMS console.": """
        DecryptionFailure EncryptionFailure KMSDisabledException KMSInvalidStateException KMSNotFoundException""",
    "Enable the region for your account, or set AWS_REGION to another one.": "OptInRequired",
}
_CURES_BY_CODE = {code: cure for cure, codes in _CODES.items() for code in codes.split()}


def of_aws(error: ClientError | BotoCoreError | ResponseParserError) -> str:
    """What AWS said, and what to do about it."""
    if isinstance(error, ClientError):
        cure = _CURES_BY_CODE.get(str(error.response.get("Error", {}).get("Code")), _OTHERWISE)
        return f"AWS refused {error.operation_name}: {_closed(aws_reason(error))} {cure}"
    # What boto3 says of an answer it cannot read quotes that answer.
    text = "the answer cannot be read" if isinstance(error, ResponseParserError) else str(error)
    known = (cure for kinds, cure in _CURES if isinstance(error, kinds))
    return f"AWS cannot be asked: {_closed(text)} {next(known, 'Check AWS_PROFILE and the other AWS settings.')}"


def _closed(text: str) -> str:
    """The text as a sentence, on one line."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
