#!/bin/sh
# Sees that the tools are there. Missing ones are installed as root on a system with apt-get; else the one
# command to type is printed.
#
# usage: setup.sh build|run|check|all
#   build: compile; run: also make CD images and boot them; check: also look the sources over, or build with clang
set -eu

missing=""
# need COMMAND PACKAGE: the package is wanted unless the command is there
need() {
    command -v "$1" > /dev/null 2>&1 || missing="$missing $2"
}
need_file() {
    for file in $1; do
        [ ! -e "$file" ] || return 0
    done
    missing="$missing $2"
}

want=${1:-all}
need python3 python3
need make make
if ! command -v x86_64-elf-gcc > /dev/null 2>&1 && ! command -v x86_64-linux-gnu-gcc > /dev/null 2>&1; then
    case $(uname -m) in
    x86_64) need gcc gcc && need ld binutils ;;
    *) missing="$missing gcc-x86-64-linux-gnu" ;;
    esac
fi
if [ "$want" != build ]; then
    need qemu-system-x86_64 qemu-system-x86
    need_file "/usr/include/stdio.h" libc6-dev
    if [ "$(uname -m)" = x86_64 ]; then # GRUB for PCs is packaged for PCs only; elsewhere `make run` goes without
        need grub-mkimage grub-common
        need_file "/usr/lib/grub/i386-pc/moddep.lst" grub-pc-bin
        need_file "/usr/lib/grub/x86_64-efi/moddep.lst" grub-efi-amd64-bin
    fi
    need xorriso xorriso
    need mformat mtools
    need_file "/usr/share/ovmf/OVMF.fd /usr/share/qemu/OVMF.fd /usr/share/edk2/x64/OVMF.4m.fd" ovmf
fi
if [ "$want" = check ] || [ "$want" = all ]; then
    need clang clang
    need clang-format clang-format
    need clang-tidy clang-tidy
    need cppcheck cppcheck
fi

[ -n "$missing" ] || exit 0
packages=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
if ! command -v apt-get > /dev/null 2>&1; then
    echo "Missing tools. On Debian they are in: $packages" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Missing tools. Please type:" >&2
    echo "    sudo apt-get install --yes --no-install-recommends $packages" >&2
    exit 1
fi
echo "Installing $packages"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install --yes -qq --no-install-recommends $packages > /dev/null
