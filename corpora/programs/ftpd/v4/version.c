/* Which release this is. */
#include "ftpd.h"

const char ftpd_version[] = "1.3";
