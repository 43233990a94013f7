#!/usr/bin/env bash
# Builds the stand-ins of README.md that are not there yet. Needs root, a running Docker engine, debootstrap, Go and Debian's
# victoria-metrics.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${STANDIN_CACHE:-$HOME/.cache/standins}
recipe=$(cat "$here"/* | sha256sum | cut -c1-16)
base=standin/base:$recipe
mkdir -p "$cache"

say() { printf '[stand-ins] %s\n' "$*"; }
pin() { # the tag which .env.example gives to a variable
  local value
  value=$(sed -n "s/^$1=//p" "$root/.env.example")
  [ -n "$value" ] || { say ".env.example does not set $1"; exit 1; }
  printf '%s' "$value"
}
wanted() { # true when the tag is missing, or is a stand-in by an older recipe
  local label
  label=$(docker image inspect --format '{{ index .Config.Labels "standin.recipe" }}' "$1" 2>/dev/null) || return 0
  [ -n "$label" ] && [ "$label" != "<no value>" ] && [ "$label" != "$recipe" ]
}
image() { # TAG, a Dockerfile on standard input, and the files that it copies below $work
  # The classic builder, since buildx may be missing; it says on standard error that it is going away.
  DOCKER_BUILDKIT=0 docker build -q -t "$1" --label "standin.recipe=$recipe" -f - "$work" >/dev/null 2>"$work/log" ||
    { cat "$work/log"; exit 1; }
  say "built $1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! docker image inspect "$base" >/dev/null 2>&1; then
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  say "Debian base from the mirror of this machine"
  debootstrap --variant=minbase \
    --include=ca-certificates,wget,python3,python3-venv,python-is-python3 \
    trixie "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 || { tail -20 "$work/debootstrap.log"; exit 1; }
  # Builds inside reach what this machine reaches, so they trust whom it trusts.
  cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/*
  tar -C "$work/root" -c . | docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
    -c 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' -c 'CMD ["sh"]' - "$base" >/dev/null
  rm -rf "$work/root"
  say "built $base"
fi

# NAME TAG COMMAND...: compiles commands of a project's module at the version of its image.
compile() {
  local name=$1 version=$2 out="$cache/$1-$2"
  shift 2
  local module="github.com/prometheus/$name" packages=()
  for command in "$@"; do packages+=("$module/cmd/$command"); done
  if [ -x "$out/${*: -1}" ]; then return; fi
  say "compiling $name $version (some minutes)"
  local source="$work/$name-module"
  mkdir -p "$source" "$out.part"
  (
    cd "$source"
    export GOFLAGS=-mod=mod CGO_ENABLED=0
    printf 'module standin\n\ngo 1.26\n' >go.mod
    # The module's own replace lines forbid `go install`; a module that requires it may be built.
    { printf '//go:build tools\n\npackage standin\n\nimport (\n'; printf '\t_ "%s"\n' "${packages[@]}"; printf ')\n'; } >tools.go
    if [ "$name" = prometheus ]; then
      IFS=. read -r major minor patch <<<"$version"
      go get "$module@$(printf 'v0.%d%02d.%d' "$major" "$minor" "$patch")"
    else
      go get "$module@v$version"
      # The published module lacks the built web UI which the program embeds.
      cp -r "$(go list -m -f '{{.Dir}}' "$module")" ./source
      chmod -R u+w ./source
      mkdir -p ./source/ui/app/dist
      echo '<!doctype html><title>stand-in</title><p>A stand-in for CI: Alertmanager without its web UI.' \
        >./source/ui/app/dist/index.html
      go mod edit -replace "$module=./source"
    fi
    go build -trimpath -tags remove_all_sd,netgo \
      -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" -o "$out.part/" "${packages[@]}"
  ) >"$work/$name.log" 2>&1 || { tail -20 "$work/$name.log"; exit 1; }
  rm -rf "$out"
  mv "$out.part" "$out"
}

server() { # NAME TOOL: a Prometheus project's server with its tool, in an image laid out like the project's own
  local name=$1 tool=$2 tag version
  tag=$(pin "${name^^}_IMAGE")
  version=${tag##*:v}
  compile "$name" "$version" "$name" "$tool"
  ln -sfn "$name-$version" "$cache/$name"
  wanted "$tag" || return 0
  cp "$cache/$name-$version"/{"$name","$tool"} "$work/"
  image "$tag" <<DOCKER
FROM $base
COPY $name $tool /bin/
RUN mkdir -p /$name /etc/$name && chown 65534:65534 /$name
USER 65534:65534
WORKDIR /$name
VOLUME ["/$name"]
ENTRYPOINT ["/bin/$name"]
DOCKER
}

server prometheus promtool
server alertmanager amtool

tag=$(pin GRAFANA_IMAGE)
if wanted "$tag"; then
  cp "$here/grafana.py" "$work/"
  image "$tag" <<DOCKER
FROM $base
COPY grafana.py /standin/grafana.py
RUN mkdir -p /var/lib/grafana && chown 472:0 /var/lib/grafana
USER 472
ENTRYPOINT ["python3", "/standin/grafana.py"]
DOCKER
fi

tag=$(pin PYTHON_IMAGE)
if wanted "$tag"; then
  image "$tag" <<DOCKER
FROM $base
CMD ["python3"]
DOCKER
fi

tag=$(pin GOLANG_IMAGE)
if wanted "$tag"; then
  cp -r "$(go env GOROOT)" "$work/go"
  image "$tag" <<DOCKER
FROM $base
COPY go /usr/local/go
ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPATH=/go
WORKDIR /go
DOCKER
fi

tag=$(pin ALPINE_IMAGE)
if wanted "$tag"; then
  image "$tag" <<DOCKER
FROM $base
CMD ["sh"]
DOCKER
fi
# --- what SCALE=1 adds

for part in vmstorage vminsert vmselect; do
  tag=$(pin "${part^^}_IMAGE")
  if wanted "$tag"; then
    cp "$here/victoriametrics.py" "$work/"
    cp "$(command -v victoria-metrics)" "$work/victoria-metrics"
    image "$tag" <<DOCKER
FROM $base
COPY victoria-metrics victoriametrics.py /standin/
ENTRYPOINT ["python3", "/standin/victoriametrics.py", "$part"]
DOCKER
  fi
done

tag=$(pin POSTGRES_IMAGE)
if wanted "$tag"; then
  cp "$here/postgres.sh" "$work/"
  image "$tag" <<DOCKER
FROM $base
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres postgres \\
 && apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null \\
 && rm -rf /var/lib/apt/lists/* /var/lib/postgresql && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data \\
 && install -d -o postgres -g postgres -m 3777 /var/run/postgresql \\
 && ln -s /usr/lib/postgresql/*/bin/pg_isready /usr/local/bin/
COPY postgres.sh /standin/postgres.sh
USER 999
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/standin/postgres.sh"]
DOCKER
fi
say "all there"
