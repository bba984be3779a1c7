{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "ea8aef946f26f51492a65b8ba3dd99492dbc40ceff8f564a1e093c41689b99ff",
      "sig": "fea47f0a1581b720d567dafc56ad177f5e7e904c24b62ca0aadefc82303af266cd6ca43deb0580d30d2650f269560998b84444e430223b3657052234e6a3060f"
    }
  ]
}
