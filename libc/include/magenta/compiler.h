#pragma once

#include <zircon/compiler.h>
