extern int table[];
