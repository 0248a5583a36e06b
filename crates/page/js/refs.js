// refs
