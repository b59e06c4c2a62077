#!/usr/bin/env bash
# The steps of the action: validate, run, gate. All files are written, whatever the verdict; the exit code
# is the gate's: 0 go on, 1 NO-GO or worse than the baseline, 2 something to put right, 3 INVALID.
set -uo pipefail

mkdir -p "$OUTPUT"
given=(--dataset "$DATASET" --grader "$GRADER")

# The grader's and the dataset's findings, also where they forbid a run.
python -m dryrun validate "${given[@]}" --sarif "$OUTPUT/findings.sarif" || {
  code=$?
  echo "verdict=INVALID" >>"${GITHUB_OUTPUT:-/dev/null}"
  exit "$code"
}

asked=("${given[@]}" --samples "$SAMPLES" --rollouts "$ROLLOUTS")
[ -z "${MODEL:-}" ] || asked+=(--model "$MODEL")
[ -z "${BASE_URL:-}" ] || asked+=(--base-url "$BASE_URL")
[ -z "${MAX_CALLS:-}" ] || asked+=(--max-calls "$MAX_CALLS")
while IFS= read -r option; do
  [ -z "$option" ] || asked+=("$option")
done <<<"${OPTIONS:-}"

python -m dryrun run "${asked[@]}" --out "$OUTPUT/report.json"
code=$?
if [ ! -s "$OUTPUT/report.json" ]; then
  echo "verdict=INVALID" >>"${GITHUB_OUTPUT:-/dev/null}"
  exit "$code"
fi

run=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["run"]["id"])' "$OUTPUT/report.json")
python -m dryrun report "$run" --out "$OUTPUT/report.html" >/dev/null

gate=(--conditions "$CONDITIONS" --junit "$OUTPUT/junit.xml" --write-baseline "$OUTPUT/baseline.json")
[ -z "${BASELINE:-}" ] || gate+=(--baseline "$BASELINE")
gate+=(--summary "${GITHUB_STEP_SUMMARY:-$OUTPUT/summary.md}")
python -m dryrun gate "$OUTPUT/report.json" "${gate[@]}"
code=$?

verdict=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["diagnosis"]["verdict"])' "$OUTPUT/report.json")
echo "verdict=$verdict" >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
