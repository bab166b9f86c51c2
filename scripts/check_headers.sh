#!/usr/bin/env bash
# Compiles every header of ours alone, with the flags and include paths of its own module.
#
# Usage: scripts/check_headers.sh [preset]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
"$root/scripts/build.sh" "${1:-release}" renderfm_header_check
say "headers: each compiles alone"
