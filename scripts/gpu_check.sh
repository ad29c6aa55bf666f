#!/usr/bin/env bash
# What holds on a machine with a GPU, and how fast it is there. Without a network: torch, numpy, safetensors, matplotlib, tqdm and
# hypothesis are the machine's own, and the rest comes as wheels from a folder.
#   bash scripts/gpu_check.sh tests --wheels DIR     the notebooks that have `gpu` cells, and what survives
#   bash scripts/gpu_check.sh goals --wheels DIR     what speed goals are about, measured into gpu_goals.json (--output FILE)
#   bash scripts/gpu_check.sh wheels DIR             fetches the wheels, where there is a network
# Each takes at most five minutes and ends with the line "N passed, N failed": notebooks, or goals that were measured.
# Without a GPU the tests leave out the `gpu` cells (what these call is called there for the processor), and the goals are
# measured on small models. PYTHON names another Python than the first that has torch; PYTHON_VERSION (3.12) is that for which wheels are fetched.
set -uo pipefail
invoked=$PWD; cd "$(dirname "$0")/.." || exit 1
usage() { echo "gpu_check: ${1:+$1; }accepted is tests or goals, --wheels DIR, for goals --output FILE; or wheels DIR" >&2; echo "0 passed, 1 failed"; exit 2; }
absolute() { case $1 in /*) echo "$1";; *) echo "$invoked/$1";; esac; }

what=${1:-}; [ $# -eq 0 ] || shift
wheels='' output=$invoked/gpu_goals.json
case $what in
  --help|-h) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit;;
  wheels) [ $# -eq 1 ] || usage "wheels needs a folder"; wheels=$(absolute "$1"); shift; mkdir -p "$wheels" || usage;;
  tests|goals) ;;
  *) usage "unknown: '$what'";;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --wheels) [ $# -gt 1 ] || usage "--wheels needs a folder"; wheels=$(absolute "$2"); shift 2;;
    --output) [ $# -gt 1 ] && [ "$what" = goals ] || usage "--output needs a file, and goals"; output=$(absolute "$2"); shift 2;;
    *) usage "unknown: '$1'";;
  esac
done
[ -z "$wheels" ] || [ -d "$wheels" ] || usage "there is no folder $wheels"

python='' has=torch; [ "$what" != wheels ] || has=pip # what it takes
for p in ${PYTHON:-python3 python3.12 python}; do # the first that has it
  "$p" -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$has'))" 2>/dev/null && { python=$p; break; }
done
[ -n "$python" ] || usage "no Python with $has found"
# what the tests need besides the machine's own packages, as settings.ini says it
needed=$("$python" - <<'PY'
import configparser, re
s = configparser.ConfigParser(delimiters=['=']); s.read('settings.ini')
asked = (s['DEFAULT']['requirements'] + ' ' + s['DEFAULT']['dev_requirements']).split()
print(*(r for r in asked if re.match('[a-z]+', r)[0] in ('fastcore', 'wandb', 'nbdev', 'execnb')))
PY
) || usage "settings.ini cannot be read"

if [ "$what" = wheels ]; then
  exec "$python" -m pip download --quiet --only-binary :all: --python-version "${PYTHON_VERSION:-3.12}" --dest "$wheels" $needed
fi

# An environment that sees the packages of this Python, also if it is a virtual environment itself.
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 1
"$python" -m venv --without-pip --system-site-packages "$work/env" || usage "no virtual environment"
"$python" -c 'import site; print(*site.getsitepackages(), sep="\n")' > "$("$work/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/machine.pth"
. "$work/env/bin/activate"
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 MPLCONFIGDIR=$work/matplotlib
if [ -n "$wheels" ]; then python -m pip install --quiet --no-index --find-links "$wheels" $needed || usage "the wheels of $wheels are not enough"; fi
gpu=$(python -c 'import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else "")') || usage "there is no torch"
python -c 'import sys, torch; print(f"Python {sys.version.split()[0]}, torch {torch.__version__}")'
if [ -n "$gpu" ]; then echo "$gpu"; else echo "There is no GPU here: what follows was checked on the processor."; export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}; fi

if [ "$what" = tests ]; then
  cores=$(nproc)
  python scripts/test_notebooks.py --path $(grep -l '"#| gpu\\n"' nbs/*.ipynb) nbs/robustness.ipynb ${gpu:+--flags gpu} --n_workers $((cores < 10 ? cores : 10)) --time_limit "${TIME_LIMIT:-280}"
else
  python scripts/gpu_goals.py --output "$output" --seconds "${TIME_LIMIT:-280}"
fi
