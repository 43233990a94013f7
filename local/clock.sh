# Sourced by the Makefile: runs the parts of `make test` and keeps their wall times in .run/times.
times=.run/times

timed() { # LABEL COMMAND…
  label=$1
  shift
  mkdir -p .run
  [ "$label" = checks ] && : >"$times"
  started=$(date +%s)
  "$@" || { status=$?; printf '%s failed after %s s\n' "$label" "$(($(date +%s) - started))" >&2; return "$status"; }
  printf '%5s s  %s\n' "$(($(date +%s) - started))" "$label" >>"$times"
}

total() {
  printf '\nwall time\n'
  cat "$times"
  awk '{ sum += $1 } END { printf "%5d s  together\n", sum }' "$times"
}
