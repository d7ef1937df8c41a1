/* Which release this is. */
#include "cached.h"

const char cached_version[] = "1.4";
