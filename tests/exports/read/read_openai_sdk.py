"""Runs where openai is installed: its types for messages and graders, and the start script over HTTP."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from openai.types.chat import ChatCompletionMessageParam
from openai.types.fine_tuning import ReinforcementMethodParam
from openai.types.graders import (
    PythonGraderParam,
    ScoreModelGraderParam,
    StringCheckGraderParam,
    TextSimilarityGraderParam,
)
from pydantic import TypeAdapter

FOLDER = Path(sys.argv[1])
LEAF = TypeAdapter(
    StringCheckGraderParam | TextSimilarityGraderParam | PythonGraderParam | ScoreModelGraderParam
)
MESSAGE = TypeAdapter(ChatCompletionMessageParam)
received = []


class Host(BaseHTTPRequestHandler):
    """Takes files and a job."""

    def answer(self, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer({"id": "file-1", "object": "file", "status": "processed"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append((self.path, body))
        self.answer({"id": "ftjob-1", "object": "fine_tuning.job", "status": "queued"})

    def log_message(self, *_: object) -> None:
        pass


def job_sent() -> dict:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script = FOLDER / "start_job.py"
    command = [sys.executable, str(script), "--model", "m", "--n-epochs", "2"]
    if "AS_LAMBDA = True" in script.read_text():
        command += ["--function", "arn:aws:lambda:us-west-2:0:function:reward"]
    address = f"http://127.0.0.1:{server.server_port}/v1"
    subprocess.run(
        command, check=True, env={"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "k"}, capture_output=True
    )
    server.shutdown()
    return json.loads(received[-1][1])


def main() -> None:
    rows = [json.loads(line) for line in (FOLDER / "train.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        for message in row["messages"]:
            MESSAGE.validate_python(message)
    job = job_sent()
    assert [path for path, _ in received] == ["/v1/files", "/v1/files", "/v1/fine_tuning/jobs"]
    assert b'name="purpose"\r\n\r\nfine-tune' in received[0][1]
    method = job["method"]
    assert method["type"] == "reinforcement"
    assert method["reinforcement"]["hyperparameters"] == {"n_epochs": 2}
    grader = method["reinforcement"]["grader"]
    if grader["type"] == "multi":
        # The SDK types `graders` as one grader; hosts take an object of them.
        for part in grader["graders"].values():
            LEAF.validate_python(part)
    elif grader["type"] != "lambda":
        TypeAdapter(ReinforcementMethodParam).validate_python(method["reinforcement"])
    said = f"{len(rows)} rows, 2 files and a job with a grader of type {grader['type']} sent"
    print(json.dumps({"said": said, "rewards": None}))


main()
