"""The farm's dashboard in a browser on this computer: what the console does on AWS is done here."""
