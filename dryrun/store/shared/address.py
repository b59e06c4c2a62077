"""Addresses of shared stores: which file system they name, and what to say where it cannot be reached."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dryrun.core.errors import StoreError
from dryrun.core.text import one_line

SCHEMES = ("s3", "gs", "az", "file")
CONNECT_SECONDS, STALLED_SECONDS = 5.0, 20.0
"""How long a connection may take, and how long a transfer may stand still."""
CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`",
    "az": "set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY",
    "file": "give yourself the right to write there",
}
REFUSED = (
    *("access_denied", "invalid_access_key", "signature", "code: 403", "credential", "permission denied"),
    *("oauth2 access token", "valid account name"),
)
NO_BUCKET = ("no_such_bucket", "bucket does not exist", "containernotfound")
NO_WAY = (
    *("network_connection", "request_timeout", "could not connect", "resolve host", "curlcode", "curl error"),
    *("timed out", "get a new connection"),
)
"""Texts of the file systems' errors, in small letters."""
AWS_ERROR = re.compile(r"AWS Error ([A-Z_]+) during (\w+) operation")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a shared store is.

    Attributes
    ----------
    text : str
        As it was given, without a slash at its end.
    scheme : str
        One of `SCHEMES`.
    place : str
        Bucket, or container; ``""`` for a folder.
    base : str
        What its files' names begin with for `pyarrow.fs`: ``"bucket/prefix"``, or a folder.
    """

    text: str
    scheme: str
    place: str
    base: str

    @classmethod
    def of(cls, text: str) -> StoreAddress:
        """The parts of an address.

        Raises
        ------
        StoreError
            It is not one of the four kinds, names no bucket, or holds a key.
        """
        parts = urlsplit(text)
        if parts.scheme not in SCHEMES:
            raise StoreError(
                f"{one_line(text, 80)!r} is not an address of a data directory: write s3://bucket/prefix, "
                "gs://bucket/prefix, az://container/prefix, file:///folder, or the path of a folder."
            )
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise StoreError(
                f"The address of a data directory is a bucket and a prefix alone. For credentials "
                f"{CREDENTIALS[parts.scheme]}."
            )
        path = unquote(parts.path).strip("/")
        if parts.scheme == "file":
            if parts.netloc:
                raise StoreError(f"{one_line(text, 80)!r}: write file:/// and the folder's whole path.")
            return cls(text.rstrip("/"), "file", "", f"/{path}")
        if not parts.netloc:
            raise StoreError(f"{one_line(text, 80)!r} names no bucket: write {parts.scheme}://bucket/prefix.")
        return cls(text.rstrip("/"), parts.scheme, parts.netloc, "/".join(filter(None, (parts.netloc, path))))

    def filesystem(self, tries: int = 3) -> Any:
        """The `pyarrow.fs.FileSystem` that reaches it; credentials and endpoint are the environment's.

        Parameters
        ----------
        tries : int
            How often a request is made before it has failed, where that can be chosen (S3).

        Raises
        ------
        StoreError
            It cannot be set up.
        """
        from pyarrow import fs

        try:
            if self.scheme == "s3":
                return _s3(self.place, tries)
            if self.scheme == "gs":
                return fs.GcsFileSystem(
                    retry_time_limit=timedelta(seconds=STALLED_SECONDS)
                )  # default: 15 minutes
            if self.scheme == "az":
                return fs.AzureFileSystem(
                    account_name=os.environ.get("AZURE_STORAGE_ACCOUNT", ""),
                    account_key=os.environ.get("AZURE_STORAGE_KEY"),
                )
        except (OSError, ValueError) as error:
            raise self.trouble(error) from error
        return fs.LocalFileSystem()

    def trouble(self, error: Exception) -> StoreError:
        """The sentence for an error of the file system."""
        words = str(error)

        def says(marks: tuple[str, ...]) -> bool:
            return any(mark in words.lower() for mark in marks)

        if isinstance(error, FileNotFoundError) or says(NO_BUCKET):
            return StoreError(
                f"{self.text}: there is no bucket {self.place!r}. Make it, or correct the address."
            )
        if says(REFUSED):
            known = self.scheme != "s3" or _aws_credentials()
            why = "credentials are missing or refused" if known else "no credentials were found"
            return StoreError(f"{self.text} cannot be used: {why}; {CREDENTIALS[self.scheme]}.")
        if says(NO_WAY):
            where = " and AWS_ENDPOINT_URL" if self.scheme == "s3" else ""
            return StoreError(f"{self.text} cannot be reached. Check the network{where}.")
        if refusal := AWS_ERROR.search(words):
            return StoreError(f"{self.text}: {refusal[2]} was answered {refusal[1]}.")
        return StoreError(f"{self.text}: {one_line(words, 200)}")


def _s3(bucket: str, tries: int) -> Any:
    from pyarrow import fs

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint is None and region is None:
        region = fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region or "us-east-1",
        connect_timeout=CONNECT_SECONDS,
        request_timeout=STALLED_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=tries),
        allow_delayed_open=True,  # a file of up to 5 MB is one request
    )


def _aws_credentials() -> bool:
    """Whether there is anything that credentials for AWS could come from."""
    names = (
        *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    )
    return any(os.environ.get(name) for name in names) or Path("~/.aws/credentials").expanduser().exists()
