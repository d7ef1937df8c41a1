#include "table.h"

int table[6] = {1, 2, 3, 4, 5, 6};
