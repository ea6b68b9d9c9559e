"""Which errors of a service say that the same call may succeed later."""

from __future__ import annotations

from typing import Final

from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

_CONNECTIONS: Final = (
    NoConnectionError,
    HTTPClientError,  # time-outs of reading, closed connections
    IncompleteReadError,
    RetriesExceededError,  # of a download that breaks off
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoCredentialsError,  # a machine gets them over a network, too
)
_CODES: Final = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "ExpiredToken",
    "ExpiredTokenException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",  # until this machine's clock is right again
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",  # a plain write that met a transaction
    "TransactionInProgressException",
}
_SCALING: Final = {
    "ResourceContention",
    "ResourceContentionFault",
    "ScalingActivityInProgress",
    "ScalingActivityInProgressFault",
}
"""Auto Scaling does something else just now."""
_CONFLICT: Final = "TransactionConflict"
_CANCELLATIONS: Final = {
    _CONFLICT,
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}


def is_transient(error: Exception) -> bool:
    """True for trouble of a service or of the way to it, false when the request is what is wrong."""
    if isinstance(error, S3UploadFailedError):  # holds the error that it stands for only as its context
        return isinstance(error.__context__, Exception) and is_transient(error.__context__)
    if isinstance(error, _CONNECTIONS):
        return True
    if not isinstance(error, ClientError):
        return False
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    reasons = cancellations(error)
    if reasons:
        return reasons <= _CANCELLATIONS
    return status >= 500 or status == 429 or _code(error) in _CODES


def is_busy(error: Exception) -> bool:
    """True for what an Auto Scaling group may do a little later."""
    return is_transient(error) or (isinstance(error, ClientError) and _code(error) in _SCALING)


def is_conflict(error: Exception) -> bool:
    """True for a transaction that was canceled for no reason but another one at the same items."""
    return isinstance(error, ClientError) and cancellations(error) == {_CONFLICT}


def cancellations(error: ClientError) -> set[str]:
    """Why a transaction was canceled: the codes of its items; empty for other errors."""
    reasons = error.response.get("CancellationReasons", [])
    return {code for reason in reasons if (code := reason.get("Code", "None")) != "None"}


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
