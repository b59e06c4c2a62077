"""Azure (Foundry): OpenAI's API at a resource's own address."""

from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.openai import hosted_files
from dryrun.report.export.place import Place

COMMANDS = """
pip install openai
export OPENAI_API_KEY=...
export OPENAI_BASE_URL=https://RESOURCE.openai.azure.com/openai/v1/
python start_job.py --model o4-mini-2025-04-16 --check     # shows the request, sends nothing
python start_job.py --model o4-mini-2025-04-16             # uploads the files, creates the job, costs money
"""

AZURE = Place(
    Platform.AZURE,
    "Azure (Foundry)",
    lambda material: hosted_files(material, Platform.AZURE),
    COMMANDS,
    (
        "The job pauses by itself at 5,000 US dollars.",
        "A judge, where the grader has one, is named by your deployment of a model that Azure allows for it.",
    ),
)
