"""Amazon Bedrock: OpenAI's API with an AWS Lambda function as the grader."""

from __future__ import annotations

from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import as_it_is, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.openai import EVERYWHERE, job_script
from dryrun.report.export.place import Named, Place, reward_files

ENDPOINT = "https://bedrock-mantle.us-west-2.api.aws/v1"
COMMANDS = """
pip install --target package --only-binary=:all: --platform manylinux2014_x86_64 --python-version 3.12 \\
    -r requirements.txt
mkdir -p package && cp reward.py package/ && (cd package && zip -r ../reward.zip .)
aws lambda create-function --function-name reward --runtime python3.12 --handler reward.lambda_handler \\
    --timeout 900 --memory-size 2048 --zip-file fileb://reward.zip --role ROLE_ARN
pip install openai
export OPENAI_API_KEY=...
python start_job.py --model openai.gpt-oss-20b --function FUNCTION_ARN --check    # sends nothing
python start_job.py --model openai.gpt-oss-20b --function FUNCTION_ARN            # costs money
"""


def _files(material: Material) -> Named:
    yield from row_files(material, as_it_is)
    yield from reward_files(material, Platform.BEDROCK)
    yield job_script(
        Platform.BEDROCK,
        base_url=ENDPOINT,
        fields=EVERYWHERE,
        roles=("system", "developer", "user", "assistant", "tool"),
        as_lambda=True,
    )


BEDROCK = Place(
    Platform.BEDROCK,
    "Amazon Bedrock",
    _files,
    COMMANDS,
    (
        "Invoke the Lambda function once by hand with a row and its reference answer: the reward has to be "
        "the highest.",
        "Its role has to allow Bedrock to invoke it. A call may take 15 minutes at most.",
    ),
)
