/* Which release this is; told by INFO and in the log. */
#include "kvd.h"

const char kvd_version[] = "1.0.3";
