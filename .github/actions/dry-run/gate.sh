#!/usr/bin/env bash
# The steps of the action: validate, run, gate. All files are written, whatever the verdict; the exit code
# is the gate's: 0 go on, 1 NO-GO or worse than the baseline, 2 something to put right, 3 INVALID.
set -uo pipefail

# A line that begins with :: is a command to GitHub, and what is printed here holds texts of datasets and
# models: commands are off until `ended` says its own.
if [ -n "${GITHUB_ACTIONS:-}" ]; then
  word="dry-run-$(python -c 'import secrets; print(secrets.token_hex(16))')"
  echo "::stop-commands::$word"
fi

# ended CODE VERDICT WORDS: hand over the verdict, annotate what stops the job, and end.
ended() {
  echo "verdict=$2" >>"${GITHUB_OUTPUT:-/dev/null}"
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    echo "::$word::"
    words=${3//'%'/%25} words=${words//$'\r'/%0D}
    [ "$1" -eq 0 ] || echo "::error title=Dry run::${words//$'\n'/%0A}"
  fi
  exit "$1"
}

# of_report PART NAME: a value of the report.
of_report() {
  python -c 'import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
print(report[sys.argv[2]][sys.argv[3]])' "$OUTPUT/report.json" "$1" "$2"
}

mkdir -p "$OUTPUT"
rm -f "$OUTPUT/report.json" # one of an earlier run says nothing about this one
if [ -n "${BASELINE:-}" ] && [ ! -r "$BASELINE" ]; then
  echo "error: the baseline $BASELINE cannot be read. \`gate --write-baseline\` writes one." >&2
  ended 2 INVALID "The baseline cannot be read. Commit a file of gate --write-baseline, or leave the input empty."
fi
given=(--dataset "$DATASET" --grader "$GRADER")

# The grader's and the dataset's findings, also where they forbid a run.
python -m dryrun validate "${given[@]}" --sarif "$OUTPUT/findings.sarif" ||
  ended $? INVALID "The dataset or the grader forbids a run: see findings.sarif and the log."

asked=("${given[@]}" --samples "$SAMPLES" --rollouts "$ROLLOUTS")
[ -z "${MODEL:-}" ] || asked+=(--model "$MODEL")
[ -z "${BASE_URL:-}" ] || asked+=(--base-url "$BASE_URL")
[ -z "${MAX_CALLS:-}" ] || asked+=(--max-calls "$MAX_CALLS")
while IFS= read -r option; do
  [ -z "$option" ] || asked+=("$option")
done <<<"${OPTIONS:-}"

python -m dryrun run "${asked[@]}" --out "$OUTPUT/report.json"
code=$?
[ -s "$OUTPUT/report.json" ] || ended "$code" INVALID "The run ended without a report: the log says why."

python -m dryrun report "$(of_report run id)" --out "$OUTPUT/report.html" >/dev/null

gate=(--conditions "$CONDITIONS" --junit "$OUTPUT/junit.xml" --write-baseline "$OUTPUT/baseline.json")
[ -z "${BASELINE:-}" ] || gate+=(--baseline "$BASELINE")
gate+=(--summary "${GITHUB_STEP_SUMMARY:-$OUTPUT/summary.md}")
said=$(python -m dryrun gate "$OUTPUT/report.json" "${gate[@]}")
code=$?
echo "$said"

ended "$code" "$(of_report diagnosis verdict)" "$said"
