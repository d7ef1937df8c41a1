long kept = 2;
