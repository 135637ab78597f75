#!/bin/sh
# deps.sh: what piecework needs from the system, and how this system installs it.
#
#   deps.sh check   PURPOSE...   says in one message what is missing and how to get it; exit 1 if anything is
#   deps.sh install PURPOSE...   prints the one install command, asks on a terminal (not with YES=1), runs it
#
# Purposes: build demo test lint fuzz valgrind. One table below is all there is to know.
set -u

# need (cmd: a program, pc: a pkg-config module, alternatives by '/', vim+lua: a Vim with +lua) and the
# package that brings it. '-' = comes with the system. ',' separates several packages.
#
# purpose  need                  debian                 fedora                  arch        alpine              brew
table='
build      cmd:cc                gcc,libc6-dev          gcc                     gcc         gcc,musl-dev        -
build      cmd:make              make                   make                    make        make                -
build      cmd:pkg-config        pkg-config             pkgconf-pkg-config      pkgconf     pkgconf             pkgconf
build      pc:libuv              libuv1-dev             libuv-devel             libuv       libuv-dev           libuv
build      pc:libcurl            libcurl4-openssl-dev   libcurl-devel           curl        curl-dev            curl
build      pc:msgpack-c/msgpack  libmsgpack-c-dev/libmsgpack-dev  msgpack-c-devel/msgpack-devel  msgpack-c  msgpack-c-dev  msgpack
build      pc:libcjson           libcjson-dev           cjson-devel             cjson       cjson-dev           cjson
build      pc:sqlite3            libsqlite3-dev         sqlite-devel            sqlite      sqlite-dev          sqlite
build      pc:libgit2            libgit2-dev            libgit2-devel           libgit2     libgit2-dev         libgit2
build      pc:yaml-0.1           libyaml-dev            libyaml-devel           libyaml     yaml-dev            libyaml
build      pc:libpcre2-8         libpcre2-dev           pcre2-devel             pcre2       pcre2-dev           pcre2
build      cmd:git               git,ca-certificates    git                     git         git                 git
demo       cmd:nvim              neovim                 neovim                  neovim      neovim              neovim
demo       cmd:python3           python3                python3                 python      python3             python3
test       cmd:nvim              neovim                 neovim                  neovim      neovim              neovim
test       cmd:python3           python3                python3                 python      python3             python3
test       vim+lua               vim-nox                vim-enhanced            gvim        vim                 vim
test       cmd:tmux              tmux                   tmux                    tmux        tmux                tmux
test       lib:asan              libc6-dev              libasan,libubsan        -           -                   -
lint       cmd:luacheck          lua-check              luacheck                luacheck    luacheck            luacheck
lint       cmd:clang-format      clang-format           clang-tools-extra       clang       clang-extra-tools   clang-format
fuzz       cmd:clang             clang,libclang-rt-dev/libclang-rt-14-dev  clang,compiler-rt  clang  clang,compiler-rt  llvm
valgrind   cmd:valgrind          valgrind               valgrind                valgrind    valgrind            -
'

say() { printf '%s\n' "$@"; }  # a line each

# Which column of the table, which command installs.
system() {
  if [ "$(uname -s)" = Darwin ]; then echo brew; return; fi
  ids=$(. /etc/os-release 2>/dev/null; echo "${ID:-} ${ID_LIKE:-}")
  for id in $ids; do
    case $id in
      debian|ubuntu) echo debian; return ;;
      fedora|rhel|centos) echo fedora; return ;;
      arch) echo arch; return ;;
      alpine) echo alpine; return ;;
    esac
  done
  echo unknown
}

system=$(system)

vim_has_lua() {
  for vim in ${VIM_BIN:-} vim vim.nox vim.gtk3; do
    command -v "$vim" >/dev/null 2>&1 && "$vim" --version 2>/dev/null | grep -q '+lua' && return 0
  done
  return 1
}

asan_links() {
  command -v cc >/dev/null 2>&1 || return 0  # the compiler's own row says so
  dir=$(mktemp -d) && echo 'int main(void){return 0;}' >"$dir/a.c"
  cc -fsanitize=address,undefined -o "$dir/a" "$dir/a.c" >/dev/null 2>&1
  status=$?
  rm -rf "$dir"
  return $status
}

have() {
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pc:*)
      for module in $(echo "${1#pc:}" | tr / ' '); do
        pkg-config --exists "$module" 2>/dev/null && return 0
      done
      return 1 ;;
    vim+lua) vim_has_lua ;;
    lib:asan) asan_links ;;
  esac
}

known() {  # is there a package of this name here?
  case $system in
    debian) apt-cache show "$1" 2>/dev/null | grep -q . ;;
    fedora) dnf -q list --available "$1" >/dev/null 2>&1 || rpm -q "$1" >/dev/null 2>&1 ;;
    *) true ;;
  esac
}

# The name that exists here, of several alternatives; the last one when none can be looked up.
pick() {
  for name in $(echo "$1" | tr / ' '); do
    known "$name" && break
  done
  echo "$name"
}

missing_needs=
missing_packages=
find_missing() {
  column=$(echo "debian fedora arch alpine brew" | tr ' ' '\n' | grep -n -x "$system" | cut -d: -f1)
  while read -r purpose need names; do
    [ -n "$purpose" ] || continue
    case " $purposes " in *" $purpose "*) ;; *) continue ;; esac
    have "$need" && continue
    case " $missing_needs " in *" ${need#*:} "*) continue ;; esac
    missing_needs="$missing_needs ${need#*:}"
    [ -n "$column" ] || continue
    cell=$(echo $names | cut -d' ' -f"$column")
    for one in $(echo "$cell" | tr , ' '); do
      [ "$one" = - ] || missing_packages="$missing_packages $one"
    done
  done <<EOF
$table
EOF
}

resolve_packages() {
  picked=
  for one in $missing_packages; do
    one=$(pick "$one")
    case " $picked " in *" $one "*) ;; *) picked="$picked $one" ;; esac
  done
  missing_packages=${picked# }
}

root=
needs_root() {
  [ "$system" = brew ] && return 0
  [ "$(id -u)" = 0 ] && return 0
  if command -v sudo >/dev/null 2>&1; then root='sudo '; return 0; fi
  return 1
}

refresh_command() {
  case $system in
    debian) echo "${root}apt-get update -qq" ;;
    alpine) echo "${root}apk update -q" ;;
  esac
}

install_command() {
  case $system in
    debian) echo "${root}apt-get install -y --no-install-recommends $missing_packages" ;;
    fedora) echo "${root}dnf install -y $missing_packages" ;;
    arch) echo "${root}pacman -S --needed --noconfirm $missing_packages" ;;
    alpine) echo "${root}apk add $missing_packages" ;;
    brew) echo "brew install $missing_packages" ;;
  esac
}

consent() {
  [ "${YES:-}" = 1 ] && return 0
  [ -t 0 ] || return 0
  printf 'Run it? [Y/n] '
  read -r answer || return 1
  case $answer in ''|[Yy]*) return 0 ;; *) return 1 ;; esac
}

main() {
  action=${1:-}
  [ $# -gt 0 ] && shift
  purposes="$*"
  find_missing
  [ -n "$missing_needs" ] || return 0
  if [ "$system" = unknown ]; then
    say "piecework: missing:$missing_needs" "Install them with your system's package manager, then run make again."
    return 1
  fi
  if [ "$action" = check ]; then
    resolve_packages
    needs_root || true
    say "piecework: missing:$missing_needs" "Install with: $(install_command)" "or let make do it: make deps"
    return 1
  fi
  if ! needs_root; then
    resolve_packages
    say "piecework: missing:$missing_needs" "Neither root nor sudo here. Ask for: $(install_command)"
    return 1
  fi
  # A fresh system knows no package names before its first refresh.
  refresh=$(refresh_command)
  [ -z "$refresh" ] || $refresh || true
  resolve_packages
  say "piecework: missing:$missing_needs" "+ $(install_command)"
  consent || { say "piecework: nothing installed"; return 1; }
  [ "$system" = debian ] && export DEBIAN_FRONTEND=noninteractive
  $(install_command) || { say "piecework: the install command failed; see above"; return 1; }
  missing_needs= missing_packages=
  find_missing
  [ -z "$missing_needs" ] || { say "piecework: still missing:$missing_needs"; return 1; }
}

main "$@"
