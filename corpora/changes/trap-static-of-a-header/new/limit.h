/* A limit that every file has a copy of. */
static int limit = 10;

static inline int limited(int value)
{
    return value > limit ? limit : value;
}

static inline void set_limit(int value)
{
    limit = value;
}
