/* What holds for each call that creates a pair of ends. */
#pragma once

#include <zircon/syscalls.h>

typedef zx_status_t (*create_pair_t)(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/* Both ends have this type, these rights and signals, one handle, and each other as the peer. */
void expect_two_ends(create_pair_t create, uint32_t options, uint32_t type, zx_rights_t rights,
                     zx_signals_t shown);
/* The options are refused so before the places are looked at. Nothing is stored or left behind. */
void expect_options_refused(create_pair_t create, uint32_t options, zx_status_t expected);
/* Bad places are INVALID_ARGS, each alone. Nothing is stored or left behind. */
void expect_bad_places_refused(create_pair_t create, uint32_t options);
