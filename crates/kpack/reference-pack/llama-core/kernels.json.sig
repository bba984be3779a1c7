{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "1ff0ffad3b392b2813fb33975076a14646660b384d0dfec9d0ef237534bfe685",
      "sig": "965de4f13c8ec759ff0ddfb23f9f8330850b0de277eea0b2cb5e4ebd79d380be8bccff550bfd04af49bc8926bd84d4fd86cd2db4776541ef501947c8429d8406"
    }
  ]
}
