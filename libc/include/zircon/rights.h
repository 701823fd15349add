/* Rights of handles, 2018 spelling. */
#pragma once

#include <abi/rights.h>
#include <abi/types.h>
