"""The one room that names the concrete classes behind the promises, and hands each its parts."""
