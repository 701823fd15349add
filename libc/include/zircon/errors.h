/* Status values, 2018 spelling. */
#pragma once

#include <abi/errors.h>
