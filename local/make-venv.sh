# make-venv.sh PYTHON DIRECTORY: makes the virtual environment, or says in one line what stands in the way.
set -u
python=$1
venv=$2

fail() {
  printf 'error: %s\nfix:   %s\n' "$1" "$2" >&2
  exit 1
}

case $PWD in *:*)
  fail "the path of this directory holds a colon: $PWD" "move or clone it to a path without one: Python's virtual environments refuse it"
esac

command -v "$python" >/dev/null 2>&1 || {
  for other in python3.14 python3.13 python3.12 python3.11; do
    command -v "$other" >/dev/null 2>&1 && fail "$python is missing, $other is there" "make up PYTHON=$other"
  done
  fail "$python is missing" "install Python 3.11 or later (Debian, Ubuntu: sudo apt-get install python3 python3-venv)"
}

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
if ! "$python" -c "$new_enough"; then
  found=$("$python" -V 2>&1)
  for other in python3.14 python3.13 python3.12 python3.11; do
    command -v "$other" >/dev/null 2>&1 && "$other" -c "$new_enough" && fail "$python is $found, but 3.11 is needed; $other is there" "make up PYTHON=$other"
  done
  fail "$python is $found, but 3.11 is needed" "install Python 3.11 or later, then: make up PYTHON=/path/to/it"
fi

"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$python cannot make virtual environments: venv or ensurepip is missing" "Debian, Ubuntu: sudo apt-get install python3-venv"

rm -rf "$venv"
echo "Making a virtual environment in $venv with $("$python" -V)"
"$python" -m venv "$venv" || {
  rm -rf "$venv"
  fail "the virtual environment could not be made: see above" "is the disk full, or this directory read-only?"
}
