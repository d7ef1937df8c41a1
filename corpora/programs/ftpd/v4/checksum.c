/* XCRC: the checksum of a file, CRC-32 as in zip and Ethernet (polynomial 0xedb88320, reflected). */
#include "ftpd.h"

#include <errno.h>
#include <unistd.h>

#define POLYNOMIAL 0xedb88320U

static uint32_t remainders[256]; /* of each byte, once they are computed */

static void compute_remainders(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte;
        for (int bit = 0; bit < 8; bit++) {
            remainder = remainder >> 1 ^ (remainder & 1 ? POLYNOMIAL : 0);
        }
        remainders[byte] = remainder;
    }
}

/* Adds bytes to a checksum, which begins as 0. */
uint32_t checksum_add(uint32_t checksum, const char *data, size_t length)
{
    if (remainders[1] == 0) {
        compute_remainders();
    }
    checksum = ~checksum;
    for (size_t at = 0; at < length; at++) {
        checksum = checksum >> 8 ^ remainders[(checksum ^ (unsigned char)data[at]) & 255];
    }
    return ~checksum;
}

void command_xcrc(struct session *session, const char *argument)
{
    char block[BLOCK_SIZE];
    uint32_t checksum = 0;
    off_t length;
    ssize_t got;
    int file = storage_open_download(session, argument, &length);

    if (file < 0) {
        return;
    }
    while ((got = read(file, block, sizeof block)) > 0) {
        checksum = checksum_add(checksum, block, (size_t)got);
    }
    if (got < 0) {
        reply_errno(session, argument, errno);
    } else {
        reply(session, "250 %08X", checksum);
    }
    close(file);
}
