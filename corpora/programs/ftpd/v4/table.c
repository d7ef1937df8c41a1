/* The commands by their names. */
#include "ftpd.h"

#include <string.h>

static const struct command commands[] = {
    {"USER", command_user, NEEDS_ARGUMENT},
    {"PASS", command_pass, 0},
    {"QUIT", command_quit, 0},
    {"NOOP", command_noop, 0},
    {"SYST", command_syst, 0},
    {"FEAT", command_feat, 0},
    {"STAT", command_stat, NEEDS_LOGIN},
    {"PWD", command_pwd, NEEDS_LOGIN},
    {"XPWD", command_pwd, NEEDS_LOGIN},
    {"CWD", command_cwd, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"CDUP", command_cdup, NEEDS_LOGIN},
    {"MKD", command_mkd, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"RMD", command_rmd, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"DELE", command_dele, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"RNFR", command_rnfr, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"RNTO", command_rnto, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"SIZE", command_size, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"MDTM", command_mdtm, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"MLST", command_mlst, NEEDS_LOGIN},
    {"XCRC", command_xcrc, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"TYPE", command_type, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"MODE", command_mode, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"STRU", command_stru, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"PASV", command_pasv, NEEDS_LOGIN},
    {"EPSV", command_epsv, NEEDS_LOGIN},
    {"REST", command_rest, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"ABOR", command_abor, NEEDS_LOGIN},
    {"RETR", command_retr, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"STOR", command_stor, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"APPE", command_appe, NEEDS_LOGIN | NEEDS_ARGUMENT},
    {"LIST", command_list, NEEDS_LOGIN},
    {"NLST", command_nlst, NEEDS_LOGIN},
};

/* Returns the command of that name, NULL where there is none. */
const struct command *command_named(const char *name)
{
    for (size_t at = 0; at < sizeof commands / sizeof *commands; at++) {
        if (strcmp(commands[at].name, name) == 0) {
            return &commands[at];
        }
    }
    return NULL;
}
