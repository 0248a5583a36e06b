// role
