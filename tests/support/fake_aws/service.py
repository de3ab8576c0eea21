"""What is the same in every service: boto3 checks what is asked, and an error of AWS is one of botocore's."""

import functools
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ParamValidationError
from botocore.session import Session
from botocore.validate import ParamValidator

REGION, ACCOUNT = "us-east-1", "123456789012"
_VALIDATOR, _SESSION, _EXCEPTIONS = ParamValidator(), Session(), ClientExceptionsFactory()

type Asked = Mapping[str, Any]
type Answer = dict[str, Any]


class Refused(Exception):  # noqa: N818 - a refusal, which becomes botocore's error
    """AWS refuses, with a code, a message and, in `more`, what else it says."""

    def __init__(self, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.code, self.more = code, more


class FakeService:
    """One service of one account."""

    name: ClassVar[str]  # as boto3 calls it

    def __init__(self) -> None:
        self.model = model_of(self.name)
        self.exceptions = exceptions_of(self.name)

    def arn(self, of: str) -> str:
        """The name of something in this account."""
        return f"arn:aws:{self.name}:{REGION}:{ACCOUNT}:{of}"


@functools.cache
def model_of(service: str) -> Any:  # noqa: ANN401 - botocore has no types
    """What botocore knows of a service."""
    return _SESSION.get_service_model(service)


@functools.cache
def exceptions_of(service: str) -> Any:  # noqa: ANN401 - made by botocore
    """The errors of a service, as a client has them."""
    return _EXCEPTIONS.create_client_exceptions(model_of(service))


def operation_of(method: str) -> str:
    """What AWS calls a client's method."""
    return "".join(part.capitalize() for part in method.split("_"))


def operation[S: FakeService](*known: str) -> Callable[[Callable[[S, Asked], Answer]], Callable[..., Answer]]:
    """An operation of which the fake knows these parameters.

    boto3 checks them before it sends anything, and so does this, with botocore's own rules.
    """

    def decorate(method: Callable[[S, Asked], Answer]) -> Callable[..., Answer]:
        name = operation_of(method.__name__)

        @functools.wraps(method)
        def answer(self: S, **asked: object) -> Answer:
            report = _VALIDATOR.validate(asked, self.model.operation_model(name).input_shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
            if unknown := asked.keys() - {*known}:
                raise NotImplementedError(f"the fake {name} does not know {unknown}")
            try:
                found = method(self, asked)
            except Refused as refused:
                said = {"Error": {"Code": refused.code, "Message": str(refused)}, **refused.more}
                said["ResponseMetadata"] = {"HTTPStatusCode": HTTPStatus.BAD_REQUEST}
                raise self.exceptions.from_code(refused.code)(said, name) from None
            return {**found, "ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}

        return answer

    return decorate
