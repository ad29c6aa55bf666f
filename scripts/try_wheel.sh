#!/usr/bin/env bash
# Install a wheel by itself in a new environment, and use what it brings. Run it outside the checkout.
#   bash scripts/try_wheel.sh dist/math_llm-0.1.0-py3-none-any.whl [REQUIREMENT ...]
# TORCH names another torch to install first ('' for whatever the wheel asks for).
case ${1:-} in *.whl) ;; *) sed -n '2,4s/^# //p' "$0"; [ "${1:-}" = --help ]; exit;; esac
set -euo pipefail
wheel=$(realpath "$1"); shift
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv env && . env/bin/activate
torch=${TORCH-torch==2.13.0}
[ -z "$torch" ] || pip install --quiet "$torch"
pip install --quiet "$wheel" "$@"
python -c "from importlib.metadata import version; print(*(f'{p} {version(p)}' for p in ('math_llm', 'torch', 'fastcore')), sep=', ')"

python - <<'PY'
# every command the wheel declares answers --help
import subprocess, sys
from importlib.metadata import distribution
names = [e.name for e in distribution('math_llm').entry_points if e.group == 'console_scripts']
assert names
for name in names:
    run = subprocess.run([f'{sys.prefix}/bin/{name}', '--help'], capture_output=True, text=True)
    assert run.returncode == 0 and '--' in run.stdout and not run.stderr, (name, run)
    print(f'{name} --help: ok')

# what a package index shows leads somewhere
import re
from importlib.metadata import metadata
dead = re.findall(r'\]\((?![a-z]+:|#)[^)]*\)', metadata('math_llm')['Description'])
assert not dead, dead
PY

# one real job: data, a tiny model, its measures, and a question to it
set -x
math_llm_generate_data --num-examples 2000 --max-digits 1 --max-operands 2 --output-dir data
math_llm_train --model-size xsmall --data-dir data --max-steps 60 --warmup-steps 10 --output-dir run --no-wandb
math_llm_evaluate --checkpoint run --data-dir data --output-file report.json
python -c "import json; print(sorted(json.load(open('report.json'))))"
echo '3+5=' | math_llm_interactive --checkpoint run
echo '3+5=' | math_llm_interactive # the model that comes with the package
