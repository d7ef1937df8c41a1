/* nodes table|list COUNT: makes them, then answers each line of its input with what is there. */
#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One byte is a request; no more of the input is taken than is answered. */
int serve(void) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) != 1)
        return 0;
    say_what_is_there();
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "table") == 0)
        fill_table(strtoul(argv[2], NULL, 10));
    else
        fill_list(strtoul(argv[2], NULL, 10));
    puts("ready");
    fflush(stdout);
    while (serve())
        ;
    return 0;
}
